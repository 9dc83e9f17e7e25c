// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: pbxlink contributors

/// What is wrong in a site file, and where.
public struct SiteFileError: Error, Hashable, Sendable, CustomStringConvertible, ExitCoded {
  /// The path of the file.
  public let file: String
  /// The line, from 1; nil when the whole file is meant.
  public let line: Int?
  /// The column in Unicode scalars, from 1.
  public let column: Int?
  /// The key, such as `trunk.port`.
  public let key: String?
  /// What is wrong and what is expected instead.
  public let problem: String

  /// By sysexits.h.
  public var exitCode: ExitCode { .configuration }

  /// "FILE:LINE:COLUMN: KEY: PROBLEM".
  public var description: String {
    let place = [file, line.map(String.init), column.map(String.init)].compactMap(\.self).joined(
      separator: ":")
    return [place, key, problem].compactMap(\.self).joined(separator: ": ")
  }
}
