// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: pbxlink contributors

import Subprocess
import SubprocessInput

/// A command of the host that must succeed.
enum Command {
  struct Failure: Error, CustomStringConvertible {
    let description: String
  }

  @discardableResult
  static func run(_ arguments: [String], input: String = "") async throws -> String {
    let result = try await Subprocess.run(
      .name(arguments[0]), arguments: Arguments(Array(arguments.dropFirst())), input: try .memory(input),
      output: .string(limit: 1 << 20), error: .string(limit: 1 << 16))
    guard result.terminationStatus.isSuccess else {
      throw Failure(description: "\(arguments.joined(separator: " ")): \(result.standardError)")
    }
    return result.standardOutput
  }

  /// The same for words without spaces in them.
  @discardableResult
  static func run(_ line: String, input: String = "") async throws -> String {
    try await run(line.split(separator: " ").map(String.init), input: input)
  }
}
