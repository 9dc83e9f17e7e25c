// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: pbxlink contributors

import ArgumentParser

struct AuthorityCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "authority",
    abstract: "The key that admits and revokes sites: replace it when it is lost or stolen.",
    subcommands: [NameRecoveryKey.self, RecoverAuthority.self])
}
