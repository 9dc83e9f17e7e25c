// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: pbxlink contributors

internal import Subprocess
internal import SubprocessInput

/// A command of the system's that is asked something.
enum Tool {
  /// What it said.
  struct Answer {
    let isSuccess: Bool
    let output: String
    let error: String

    /// The first lines of its complaint.
    var complaint: String {
      let lines = error.split(whereSeparator: \.isNewline).prefix(2).joined(separator: " ")
      return lines.isEmpty ? "no reason given" : lines
    }

    /// Its output; throws when it failed.
    func text(_ purpose: String) throws(Failure) -> String {
      guard isSuccess else { throw .failed(purpose, reason: complaint) }
      return output
    }
  }

  /// Why there is no answer.
  enum Failure: Error, Hashable, CustomStringConvertible {
    case missing(String)
    case failed(String, reason: String)

    var description: String {
      switch self {
      case .missing(let command): "the command '\(command)' is not in PATH"
      case .failed(let purpose, let reason): "cannot \(purpose): \(reason)"
      }
    }
  }

  /// Bytes; a ruleset with large sets is a few MiB.
  private static let outputLimit = 16 << 20

  /// Runs a command of PATH to its end.
  static func run(_ command: String, _ arguments: [String], input: String = "") async throws(Failure)
    -> Answer
  {
    do {
      let result = try await Subprocess.run(
        .name(command), arguments: Arguments(arguments), environment: .inherit.updating(["LC_ALL": "C"]),
        input: try .memory(input), output: .string(limit: outputLimit), error: .string(limit: 1 << 16))
      return Answer(
        isSuccess: result.terminationStatus.isSuccess, output: result.standardOutput,
        error: result.standardError)
    } catch let error as SubprocessError where error.code == .executableNotFound {
      throw .missing(command)
    } catch {
      throw .failed("run \(command)", reason: "\(error)")
    }
  }
}
