// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: pbxlink contributors

import Subprocess
import SubprocessInput
import SystemPackage

/// Commands of the host, found on PATH.
enum HostCommand {
  private static let outputLimit = 16 << 20

  /// Runs a command to its end and collects what it prints (up to 16 MiB each).
  /// - Throws: ``LabError/notStarted(command:reason:)``; a failing command is a result, not an error.
  static func run(_ arguments: [String], input: String = "") async throws -> CommandResult {
    do {
      let (program, rest) = split(arguments)
      let result = try await Subprocess.run(
        program, arguments: rest, input: try .memory(input), output: .string(limit: outputLimit),
        error: .string(limit: outputLimit))
      return CommandResult(
        arguments: arguments, status: result.terminationStatus.shellStatus,
        standardOutput: result.standardOutput, standardError: result.standardError)
    } catch let error as SubprocessError {
      throw try failure(arguments, error)
    }
  }

  /// Runs a command to its end and hands over each line of its standard output as it comes.
  static func run(_ arguments: [String], line: (String) -> Void) async throws -> CommandResult {
    do {
      let (program, rest) = split(arguments)
      let result = try await Subprocess.run(
        program, arguments: rest, input: .none, output: .sequence, error: .string(limit: outputLimit)
      ) { execution in
        for try await text in execution.standardOutput.strings() { line(text) }
      }
      return CommandResult(
        arguments: arguments, status: result.terminationStatus.shellStatus, standardOutput: "",
        standardError: result.standardError)
    } catch let error as SubprocessError {
      throw try failure(arguments, error)
    }
  }

  private static func split(_ arguments: [String]) -> (Executable, Arguments) {
    (.name(arguments.first ?? ""), Arguments(Array(arguments.dropFirst())))
  }

  private static func failure(_ arguments: [String], _ error: SubprocessError) throws -> LabError {
    try Task.checkCancellation()
    return .notStarted(command: arguments.joined(separator: " "), reason: "\(error)")
  }
}

extension TerminationStatus {
  /// As a shell would report it in `$?`.
  fileprivate var shellStatus: Int32 {
    switch self {
    case .exited(let code): code
    case .signaled(let signal): 128 + signal
    }
  }
}
