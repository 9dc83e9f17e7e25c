// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: pbxlink contributors

internal import Glibc
internal import PBXLinkCore

/// Reads a configuration file as Asterisk does, with all that it includes, but without our own files.
struct AsteriskConfigReader {
  /// Asterisk's configuration directory, to which included names are relative.
  let directory: String

  /// Asterisk's MAX_INCLUDE_LEVEL.
  private static let depth = 10

  /// The lines in the order of reading; nil where the file is missing. A missing `#include` is `broken`.
  func lines(of name: String, depth: Int = depth) throws(AsteriskError) -> [AsteriskConfigLine]? {
    guard depth > 0, let bytes = try AsteriskFile.read(path(name)) else { return nil }
    var result: [AsteriskConfigLine] = []
    for line in AsteriskConfigLine.lines(of: String(decoding: bytes, as: UTF8.self), file: path(name)) {
      guard case .include(let pattern, let isRequired) = line.content else {
        result.append(line)
        continue
      }
      guard !path(pattern).hasPrefix(path(AsteriskInstallation.ownDirectory) + "/") else { continue }
      let files = matches(path(pattern))
      if files.isEmpty && isRequired && !pattern.contains(where: { "*?[".contains($0) }) {
        result.append(
          AsteriskConfigLine(
            location: line.location,
            content: .broken(reason: "includes \(path(pattern)), which does not exist")))
      }
      for file in files { result += try lines(of: file, depth: depth - 1) ?? [] }
    }
    return result
  }

  private func path(_ name: String) -> String { name.hasPrefix("/") ? name : "\(directory)/\(name)" }

  /// The files that a name with wildcards stands for, sorted (glob(3), as in Asterisk's `config.c`).
  private func matches(_ pattern: String) -> [String] {
    var found = glob_t()
    defer { globfree(&found) }
    guard glob(pattern, GLOB_NOMAGIC | GLOB_BRACE, nil, &found) == 0 else { return [] }
    let paths = (0..<Int(found.gl_pathc)).compactMap { found.gl_pathv[$0].map { String(cString: $0) } }
    return paths.filter { access($0, F_OK) == 0 }
  }
}
