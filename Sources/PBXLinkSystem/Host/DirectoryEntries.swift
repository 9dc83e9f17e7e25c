// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: pbxlink contributors

internal import Glibc
internal import SystemPackage

/// What is in a directory.
enum DirectoryEntries {
  /// The names in it, sorted, without "." and "..".
  static func names(in path: String) throws(Errno) -> [String] {
    guard let stream = opendir(path) else { throw Errno(rawValue: errno) }
    defer { closedir(stream) }
    var names: [String] = []
    errno = 0  // readdir tells its end from an error only by it
    while let entry = readdir(stream) {
      // The record ends with its name, so copying all of d_name would read beyond it.
      let offset = MemoryLayout<dirent>.offset(of: \.d_name) ?? 0
      let name = String(cString: (UnsafeRawPointer(entry) + offset).assumingMemoryBound(to: CChar.self))
      if name != ".", name != ".." { names.append(name) }
      errno = 0
    }
    guard errno == 0 else { throw Errno(rawValue: errno) }
    return names.sorted()
  }
}
