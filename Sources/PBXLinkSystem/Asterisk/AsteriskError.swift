// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: pbxlink contributors

public import PBXLinkCore

/// Why Asterisk could not be looked at or changed.
public enum AsteriskError: Error, Hashable, Sendable, CustomStringConvertible, ExitCoded {
  /// A system call on a file failed.
  case file(path: String, operation: String, errno: Int32)
  /// One of Asterisk's own files is not there.
  case parentMissing(path: String)
  /// A file that Asterisk's own files need is not there, or cannot be read past a line.
  case unreadable(AsteriskConfigFindings.Finding)
  /// Sections of the admin's have names of ours.
  case clashes([AsteriskConfigFindings.Finding])
  /// The manager interface is on, at another port.
  case managerPort(configured: UInt16, actual: AsteriskConfigFindings.Finding)
  /// The command `asterisk` is not there.
  case commandMissing
  /// The command `asterisk` failed.
  case command(String, reason: String)
  /// Asterisk had something else in use than the files said; the former files were put back.
  case mismatch([TrunkMismatch])
  /// A change failed, and putting the former files back failed too.
  case restore(reason: String, restoring: String)

  /// What failed, on what, and what to do.
  public var description: String {
    switch self {
    case .file(let path, let operation, let errno):
      "cannot \(operation) \(path): \(Self.text(errno))"
    case .parentMissing(let path):
      "\(path) does not exist: create it, or set asterisk.configuration_directory"
    case .unreadable(let finding): "\(finding); Asterisk would not reach our line at the end: correct it"
    case .clashes(let findings):
      findings.map(\.description).joined(separator: "; ")
        + ": rename it, Asterisk would merge it with ours; nothing was changed"
    case .managerPort(let configured, let actual):
      "\(actual.location): Asterisk's manager interface uses port \(actual.text), the site file says \(configured): "
        + "set asterisk.manager_port to \(actual.text)"
    case .commandMissing: "the command 'asterisk' is not in PATH: install Asterisk"
    case .command(let command, let reason): "'asterisk \(command)' failed: \(reason)"
    case .mismatch(let mismatches):
      "Asterisk did not take the new files: \(mismatches.prefix(5).map(\.description).joined(separator: "; ")). "
        + "The former files were put back"
    case .restore(let reason, let restoring):
      "\(reason). Putting the former files back failed too: \(restoring)"
    }
  }

  /// By sysexits.h.
  public var exitCode: ExitCode {
    switch self {
    case .file(_, _, let errno) where errno == 13 || errno == 1: .noPermission
    case .file: .ioError
    case .parentMissing: .noInput
    case .unreadable, .clashes, .managerPort: .configuration
    case .commandMissing, .command: .unavailable
    case .mismatch, .restore: .software
    }
  }
}
