// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: pbxlink contributors

import ArgumentParser
import FoundationEssentials
import Glibc
import PBXLinkSystem

/// Where a recovery key goes: to the terminal, or to a file that only its owner can read.
struct RecoveryFileOptions: ParsableArguments {
  @Option(help: "Write the recovery key to this new file instead of showing it.", completion: .file())
  var recoveryFile: String?

  /// To be asked first: a key that cannot be handed out would be lost.
  func check() throws {
    guard let recoveryFile else { return }
    guard access(recoveryFile, F_OK) != 0 else {
      throw Failure("\(recoveryFile) exists and is not overwritten.", .cannotCreate)
    }
    let directory = URL(filePath: recoveryFile).deletingLastPathComponent().path
    guard access(directory, W_OK) == 0 else {
      throw Failure(
        "Nothing can be written to \(directory): \(String(cString: strerror(errno)))", .cannotCreate)
    }
  }

  /// Writes or shows the key; shows it too when it cannot be written.
  func hand(out key: String, isPrinted: Bool) throws {
    if let recoveryFile {
      guard let problem = write(key, to: recoveryFile) else { return }
      Console.complain("pbxlink: \(problem)")
    }
    guard !isPrinted else { return }
    Console.print([
      "", "Recovery key, shown only now and kept nowhere; write it down and keep it off line:", "",
      "  \(key)", "",
      "Who has it can put another authority in this one's place (pbxlink authority recover).",
    ])
  }

  private func write(_ key: String, to path: String) -> String? {
    let descriptor = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0o600)
    guard descriptor >= 0 else { return "\(path) cannot be made: \(String(cString: strerror(errno)))" }
    defer { close(descriptor) }
    let line = Array((key + "\n").utf8)
    guard Glibc.write(descriptor, line, line.count) == line.count, fsync(descriptor) == 0 else {
      return "\(path) cannot be written: \(String(cString: strerror(errno)))"
    }
    return nil
  }
}
