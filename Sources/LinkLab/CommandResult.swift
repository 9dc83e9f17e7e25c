// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: pbxlink contributors

/// How a command ended and what it printed.
public struct CommandResult: Hashable, Sendable {
  /// The command as typed, program first.
  public var arguments: [String]
  /// The exit status; 128 + the signal's number for a command that a signal ended.
  public var status: Int32
  /// What it wrote to standard output.
  public var standardOutput: String
  /// What it wrote to standard error.
  public var standardError: String

  /// Whether the status is 0.
  public var succeeded: Bool { status == 0 }

  /// The result itself when the command succeeded.
  /// - Throws: ``LabError/command(_:)`` for any other status.
  @discardableResult
  public func checked() throws -> Self {
    guard succeeded else { throw LabError.command(self) }
    return self
  }

  var failure: String {
    let said = standardError.isEmpty ? standardOutput : standardError
    return "'\(arguments.joined(separator: " "))' ended with status \(status)"
      + (said.isEmpty ? "" : ":\n" + said.trimmedEnd)
  }
}

extension StringProtocol {
  /// Without white space at the end.
  var trimmedEnd: String {
    var text = self[...]
    while let last = text.last, last.isWhitespace { text.removeLast() }
    return String(text)
  }

  /// Without white space at either end.
  var trimmed: String { String(trimmedEnd.drop(while: \.isWhitespace)) }
}
