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
  /// Bytes; the rules for a thousand sites are below 1 MiB.
  private static let outputLimit = 16 << 20

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

  /// The extensions of a context, from `dialplan show`; nil where there is no such context.
  func extensions(in context: String) async throws(AsteriskError) -> Set<String>? {
    // asterisk -rx 'dialplan show plk-outbound'
    let lines = try await execute("dialplan show \(context)").split(separator: "\n")
    guard lines.contains(where: { $0.contains("[ Context '\(context)'") }) else { return nil }
    return Set(
      lines.compactMap { line in
        guard line.contains("' =>") else { return nil }
        return line.split(separator: "'").dropFirst().first.map(String.init)
      })
  }

  private func run(
    _ arguments: [String]
  ) async throws(AsteriskError) -> (isSuccess: Bool, output: String, error: String) {
    do {
      let result = try await Subprocess.run(
        .name("asterisk"), arguments: Arguments(arguments), environment: .inherit.updating(["LC_ALL": "C"]),
        output: .string(limit: Self.outputLimit), error: .string(limit: 1 << 16))
      return (result.terminationStatus.isSuccess, result.standardOutput, result.standardError)
    } catch let error as SubprocessError where error.code == .executableNotFound {
      throw .commandMissing
    } catch {
      throw .command(arguments.joined(separator: " "), reason: "\(error)")
    }
  }
}
