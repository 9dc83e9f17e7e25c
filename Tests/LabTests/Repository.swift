// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: pbxlink contributors

/// Where the tests find the repository and what was built.
enum Repository {
  /// The folder of the programs that were built along with these tests.
  static let binaries: String = {
    let program = CommandLine.arguments[0]
    return program.split(separator: "/").dropLast().reduce(into: "") { $0 += "/" + $1 }
  }()

  /// A path in the source tree.
  static func path(_ path: String) -> String {
    #filePath.split(separator: "/").dropLast(3).reduce(into: "") { $0 += "/" + $1 } + "/" + path
  }
}
