// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: pbxlink contributors

/// Where the tests find the repository and what was built.
enum Repository {
  /// A path in the source tree.
  static func path(_ path: String) -> String {
    #filePath.split(separator: "/").dropLast(3).reduce(into: "") { $0 += "/" + $1 } + "/" + path
  }
}
