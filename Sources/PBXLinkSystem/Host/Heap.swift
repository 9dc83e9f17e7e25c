// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: pbxlink contributors

internal import CLinux

/// The one heap that all threads use, see CLinux.
enum Heap {
  /// Gives whole free pages back to the system (malloc_trim(3)).
  static func trim() { clinux_trim_heap() }
}
