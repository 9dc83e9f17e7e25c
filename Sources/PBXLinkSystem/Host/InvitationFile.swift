// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: pbxlink contributors

internal import Glibc
internal import PBXLinkCore

/// What 'pbxlink join' is given: an invitation, or a file with one or with an answer.
public enum InvitationFile {
  /// The text: that of the file if there is one of this name, what is on standard input for "-", and else the
  /// argument itself.
  public static func text(_ argument: String) throws -> String {
    argument == "-" || access(argument, F_OK) == 0 ? try DocumentFile.text(of: argument) : argument
  }

  /// Whether a text is the documents of an answer. An invitation has "pbxlink1." before its document.
  public static func isAnswer(_ text: String) -> Bool {
    DocumentLines.documents(in: text).first?.hasPrefix("eyJ") ?? false
  }
}
