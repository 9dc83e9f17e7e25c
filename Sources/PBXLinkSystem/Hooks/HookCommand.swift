// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: pbxlink contributors

internal import FoundationEssentials
internal import PBXLinkCore
internal import Subprocess
internal import SubprocessInput
internal import SystemPackage

/// Runs a program for each event: JSON on its standard input, the main parts in its environment.
struct HookCommand: HookTarget {
  let path: String
  /// Of one run.
  var limit = Duration.seconds(30)

  var name: String { "command \(path)" }

  func deliver(_ message: EventMessage) async throws {
    let input = String(decoding: try JSONEncoder().encode(message), as: UTF8.self) + "\n"
    let variables: [Environment.Key: String] = [
      "PBXLINK_KIND": message.event.kind, "PBXLINK_SITE": message.event.site ?? "",
      "PBXLINK_TIME": message.event.time,
      // No environment can hold a zero byte.
      "PBXLINK_TEXT": message.text.replacing("\0", with: ""),
    ]
    do {
      let late = HookError(description: "not done in \(limit)")
      let (status, error) = try await withTimeLimit(limit, late: late) {
        let result = try await Subprocess.run(
          .path(FilePath(path)), environment: .inherit.updating(variables), input: try .memory(input),
          output: .discarded, error: .string(limit: 1 << 16))
        return (result.terminationStatus, result.standardError)
      }
      guard status.isSuccess else {
        let words = error.split(separator: "\n").last.map { ": \($0)" } ?? ""
        throw HookError(description: "\(status)\(words)")
      }
    } catch let error as HookError {
      throw error
    } catch {
      throw HookError(description: "\(error)")
    }
  }
}
