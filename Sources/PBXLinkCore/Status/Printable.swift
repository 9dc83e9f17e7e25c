// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: pbxlink contributors

extension String {
  /// The text with a sign in place of what nobody can read and a terminal or a browser may obey: control characters but
  /// tab and line feed, and those that change the direction of writing. Other people write much of what is shown.
  public var printable: String {
    guard unicodeScalars.contains(where: Self.isUnprintable) else { return self }
    var text = ""
    for scalar in unicodeScalars {
      text.unicodeScalars.append(Self.isUnprintable(scalar) ? "\u{fffd}" : scalar)
    }
    return text
  }

  private static func isUnprintable(_ scalar: Unicode.Scalar) -> Bool {
    switch scalar {
    case "\t", "\n": false
    case "\u{0}"..."\u{1f}", "\u{7f}"..."\u{9f}", "\u{202a}"..."\u{202e}", "\u{2066}"..."\u{2069}": true
    default: false
    }
  }
}
