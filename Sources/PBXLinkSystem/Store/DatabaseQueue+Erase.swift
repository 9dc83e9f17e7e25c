// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: pbxlink contributors

internal import FoundationEssentials
internal import GRDB
internal import Glibc

extension DatabaseQueue {
  /// Closes the database and removes its files, those that SQLite makes beside it too.
  func erase() throws {
    let path = path
    try close()
    for suffix in ["", "-wal", "-shm"] where access(path + suffix, F_OK) == 0 {
      try FileManager.default.removeItem(atPath: path + suffix)
    }
  }
}
