// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: pbxlink contributors

internal import PBXLinkCore
internal import Subprocess
internal import SystemPackage

/// Asterisk's own command line, through the `asterisk` in PATH.
///
/// Its exit status says only whether Asterisk could be asked: a command that fails prints why and exits 0, so
/// callers look at the text.
struct AsteriskCommandLine: Sendable {
  /// A name to look up in PATH, or a path.
  var executable = "asterisk"

  /// Bytes; FreePBX's dialplan lists as about 2 MiB, the rules for a thousand sites as 1 MiB.
  private static let outputLimit = 16 << 20

  /// How long a command may take: an Asterisk that hangs must not take the agent with it.
  private static let patience = Duration.seconds(20)

  /// What `asterisk -V` prints.
  func version() async throws(AsteriskError) -> String { try await run(["-V"]).output }

  /// Whether a running Asterisk has booted.
  func hasBooted() async throws(AsteriskError) -> Bool {
    // asterisk -rx 'core waitfullybooted'
    let answer = try await run(["-rx", "core waitfullybooted"])
    return answer.isSuccess && answer.output.contains("fully booted")
  }

  /// Whether a module runs.
  func isRunning(module: String) async throws(AsteriskError) -> Bool {
    // asterisk -rx 'module show like chan_iax2.so'
    let answer = try await execute("module show like \(module)")
    return answer.split(separator: "\n").contains { line in
      line.hasPrefix(module) && line.contains("Running") && !line.contains("Not Running")
    }
  }

  /// The text that a command of the running Asterisk prints.
  @discardableResult
  func execute(_ command: String) async throws(AsteriskError) -> String {
    let answer = try await run(["-rx", command])
    guard answer.isSuccess else {
      throw .command("-rx '\(command)'", reason: answer.error.isEmpty ? answer.output : answer.error)
    }
    return answer.output
  }

  /// The extensions of every context of the running dialplan.
  func dialplan() async throws(AsteriskError) -> [String: Set<String>] {
    // asterisk -rx 'dialplan show'
    Self.contexts(in: try await execute("dialplan show"))
  }

  /// Reads `[ Context 'phones' created by 'pbx_config' ]` and, below it, `'_2XX' => 1. Gosub(…)`.
  static func contexts(in listing: String) -> [String: Set<String>] {
    var contexts: [String: Set<String>] = [:]
    var current = ""
    for line in listing.split(separator: "\n") {
      let quoted = line.split(separator: "'", omittingEmptySubsequences: false)
      if line.hasPrefix("[ Context '"), quoted.count > 1 {
        current = String(quoted[1])
        contexts[current] = contexts[current] ?? []
      } else if line.hasPrefix("  '"), line.contains("' =>"), quoted.count > 1 {
        contexts[current]?.insert(String(quoted[1]))
      }
    }
    return contexts
  }

  private func run(
    _ arguments: [String]
  ) async throws(AsteriskError) -> (isSuccess: Bool, output: String, error: String) {
    do {
      let late = AsteriskError.command(
        arguments.joined(separator: " "), reason: "no answer in \(Self.patience); is Asterisk hung?")
      return try await withTimeLimit(Self.patience, late: late) {
        let result = try await Subprocess.run(
          executable.contains("/") ? .path(FilePath(executable)) : .name(executable),
          arguments: Arguments(arguments), environment: .inherit.updating(["LC_ALL": "C"]),
          output: .string(limit: Self.outputLimit), error: .string(limit: 1 << 16))
        return (result.terminationStatus.isSuccess, result.standardOutput, result.standardError)
      }
    } catch let error as AsteriskError {
      throw error
    } catch let error as SubprocessError where error.code == .executableNotFound {
      throw .commandMissing
    } catch {
      throw .command(arguments.joined(separator: " "), reason: "\(error)")
    }
  }
}
