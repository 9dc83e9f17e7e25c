// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: pbxlink contributors

internal import CLinux
internal import Glibc
package import Subprocess
package import SystemPackage

extension InputProtocol where Self == FileDescriptorInput {
  /// Text that a program finds on its standard input, in a file in memory (memfd_create(2)).
  ///
  /// Unlike `.string`, whose pipe ends the whole process when the program ends without reading it (swift-subprocess
  /// 1.0.2, issue 367).
  /// - Throws: `Errno` when no file can be made, such as without memory or file descriptors.
  package static func memory(_ text: String) throws(Errno) -> FileDescriptorInput {
    var text = text
    let descriptor = text.withUTF8 { bytes in clinux_memory_file(bytes.baseAddress, bytes.count)
    }
    guard descriptor >= 0 else { throw Errno(rawValue: errno) }
    return .fileDescriptor(FileDescriptor(rawValue: descriptor), closeAfterSpawningProcess: true)
  }
}
