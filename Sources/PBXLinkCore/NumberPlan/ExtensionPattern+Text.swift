// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: pbxlink contributors

extension ExtensionPattern: LosslessStringConvertible, CustomStringConvertible, Codable {
  /// Parses one pattern, with or without a leading underscore; nil for a range or anything wrong.
  public init?(_ text: String) {
    guard let pattern = try? Self.pattern(text) else { return nil }
    self = pattern
  }

  /// The canonical form without underscore.
  public var description: String { positions.map(\.notation).joined() }

  /// The form for `exten =>` in Asterisk's dialplan: an underscore marks a pattern, a plain number has none.
  public var asteriskPattern: String {
    positions.allSatisfy { $0.digits.count == 1 } ? description : "_\(description)"
  }

  /// Parses a pattern, a range such as 200-299, or several separated by commas.
  public static func parse(_ text: String) throws(NumberPlanError) -> [Self] {
    var patterns: [Self] = []
    for item in text.split(separator: ",", omittingEmptySubsequences: false) {
      let item = String(item.trimmingSpaces())
      patterns += item.first != "_" && isRange(item) ? try range(item) : [try pattern(item)]
    }
    return patterns
  }

  private static func pattern(_ text: String) throws(NumberPlanError) -> Self {
    // Most have no class; this saves taking them apart by characters.
    let plain = text.utf8.compactMap { DigitSet(letter: Character(UnicodeScalar($0))) }
    if plain.count == text.utf8.count, lengths.contains(plain.count) { return Self(positions: plain) }
    var positions: [DigitSet] = []
    var rest = text.hasPrefix("_") ? text.dropFirst() : text[...]
    while let letter = rest.popFirst() {
      if letter == "[" {
        guard let end = rest.firstIndex(of: "]") else {
          throw .invalidExtension(text, reason: "the '[' has no ']'")
        }
        guard let digits = digitClass(rest[..<end]) else {
          throw .invalidExtension(
            text, reason: "'[\(rest[...end])' is not a class of digits such as [0-4] or [15-9]")
        }
        positions.append(digits)
        rest = rest[rest.index(after: end)...]
      } else if let digits = DigitSet(letter: letter) {
        positions.append(digits)
      } else {
        throw .invalidExtension(text, reason: reason(against: letter))
      }
    }
    guard lengths.contains(positions.count) else {
      throw .invalidExtension(
        text,
        reason: "it names numbers of \(positions.count) digits; extensions have "
          + "\(lengths.lowerBound) to \(lengths.upperBound)")
    }
    return Self(positions: positions)
  }

  private static func reason(against letter: Character) -> String {
    switch letter {
    case ".", "!":
      "'\(letter)' stands for any number of digits; write one X for each digit, such as 2XX"
    case "-":
      "'-' belongs between two numbers (200-299) or inside a class (3[0-4]X)"
    default:
      "'\(letter)' is neither a digit nor X (0-9), Z (1-9), N (2-9) or a class such as [0-4]"
    }
  }

  private static func digitClass(_ text: Substring) -> DigitSet? {
    var digits: DigitSet = []
    var rest = text
    while let letter = rest.popFirst() {
      guard let first = DigitSet.digit(letter) else { return nil }
      var last = first
      if rest.first == "-" {
        rest.removeFirst()
        guard let letter = rest.popFirst(), let digit = DigitSet.digit(letter), digit >= first
        else { return nil }
        last = digit
      }
      digits.formUnion(DigitSet(first...last))
    }
    return digits.isEmpty ? nil : digits
  }

  /// Decodes the text form.
  public init(from decoder: any Decoder) throws { self = try decodeText(decoder) }
  /// Encodes the canonical text form.
  public func encode(to encoder: any Encoder) throws { try encodeText(description, encoder) }
}

extension Substring {
  fileprivate func trimmingSpaces() -> Substring {
    var text = self
    while text.first?.isWhitespace == true { text.removeFirst() }
    while text.last?.isWhitespace == true { text.removeLast() }
    return text
  }
}

extension ExtensionPattern: TextCoded {
  static var textKind: String { "an extension pattern (such as 2XX)" }
}
