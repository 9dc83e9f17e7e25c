// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: pbxlink contributors

import ArgumentParser
import PBXLinkSystem

/// Where a pass phrase comes from; never from the command line, which others can see.
struct PassphraseOptions: ParsableArguments {
  @Option(
    name: .long,
    help: "Read the pass phrase from the first line of a file (- for standard input); else it is asked for.",
    completion: .file())
  var passphraseFile: String?

  /// The pass phrase of a file that is there.
  func existing() throws -> Passphrase { try .read(from: passphraseFile, isNew: false) }

  /// A pass phrase for a new file.
  func new() throws -> Passphrase { try .read(from: passphraseFile, isNew: true) }
}
