// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: pbxlink contributors

/// A piece of HTML. What is written in a literal is markup; what is interpolated is text and escaped, unless it is HTML
/// itself.
public struct HTML: Hashable, Sendable, ExpressibleByStringInterpolation {
  /// The markup.
  public private(set) var markup: String

  /// Markup as it is written in the program.
  public init(stringLiteral value: StaticString) { markup = "\(value)" }

  /// Markup with values in it.
  public init(stringInterpolation: StringInterpolation) { markup = stringInterpolation.markup }

  private init(markup: String) { self.markup = markup }

  /// Text, escaped for the inside of an element or of a quoted attribute.
  public init(text: String) { self.init(markup: Self.escaped(text)) }

  /// One piece after the other.
  public static func + (left: Self, right: Self) -> Self { Self(markup: left.markup + right.markup) }

  /// Collects the parts of a piece.
  public struct StringInterpolation: StringInterpolationProtocol {
    var markup = ""

    /// Nothing yet.
    public init(literalCapacity: Int, interpolationCount: Int) { markup.reserveCapacity(literalCapacity) }

    /// Markup.
    public mutating func appendLiteral(_ literal: StaticString) { markup += "\(literal)" }

    /// A piece of HTML.
    public mutating func appendInterpolation(_ html: HTML) { markup += html.markup }

    /// Pieces of HTML, one after the other.
    public mutating func appendInterpolation(_ pieces: [HTML]) {
      for piece in pieces { markup += piece.markup }
    }

    /// A piece of HTML, if there is one.
    public mutating func appendInterpolation(_ html: HTML?) { markup += html?.markup ?? "" }

    /// A text, whoever wrote it.
    public mutating func appendInterpolation(_ text: String) { markup += HTML.escaped(text) }

    /// A number.
    public mutating func appendInterpolation(_ number: Int) { markup += number.description }
  }

  /// The five characters that mean something to HTML.
  private static func escaped(_ text: String) -> String {
    var escaped = ""
    for scalar in text.printable.unicodeScalars {
      switch scalar {
      case "&": escaped += "&amp;"
      case "<": escaped += "&lt;"
      case ">": escaped += "&gt;"
      case "\"": escaped += "&quot;"
      case "'": escaped += "&#39;"
      default: escaped.unicodeScalars.append(scalar)
      }
    }
    return escaped
  }
}
