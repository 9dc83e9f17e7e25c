// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: pbxlink contributors

extension Office {
  /// Starts the office's Asterisk and waits until it has booted.
  public func startAsterisk() async throws {
    // As Debian's asterisk.service does.
    try await spawn(["asterisk", "-f", "-U", "asterisk", "-G", "asterisk"], name: "asterisk")
    try await wait(for: "Asterisk in \(name) (see \(log("asterisk")))", upTo: .seconds(60)) {
      try await run(["asterisk", "-rx", "core waitfullybooted"]).succeeded ? () : nil
    }
  }

  func installDialplan() async throws {
    try await anchor.run(
      ["tee", "-a", "/etc/asterisk/extensions.conf"], input: Dialplan(extensions: plan.extensions).text
    ).checked()
  }

  /// Runs a command of Asterisk's CLI and returns what it prints. A command that Asterisk refuses prints
  /// the reason: its exit status says only whether Asterisk could be asked.
  public func asterisk(_ command: String) async throws -> String {
    try await run(["asterisk", "-rx", command]).checked().standardOutput
  }
}
