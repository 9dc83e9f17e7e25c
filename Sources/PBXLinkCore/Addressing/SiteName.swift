// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: pbxlink contributors

/// The name of a site in its mesh: a DNS label of 1 to 63 lower-case letters, digits and inner hyphens
/// (RFC 1123 §2.1).
public struct SiteName: Hashable, Sendable, LosslessStringConvertible, CustomStringConvertible, Codable,
  Comparable
{
  /// The label.
  public let description: String

  /// A name, or nil when the text is not a lower-case DNS label.
  public init?(_ text: String) {
    guard Self.isLabel(text) else { return nil }
    description = text
  }

  static func isLabel(_ text: String) -> Bool { isLabel(text.utf8) }

  static func isLabel(_ text: some BidirectionalCollection<UInt8>) -> Bool {
    (1...63).contains(text.count) && text.first != 0x2d && text.last != 0x2d
      && text.allSatisfy { (0x61...0x7a).contains($0) || (0x30...0x39).contains($0) || $0 == 0x2d }
  }

  /// In dictionary order.
  public static func < (left: Self, right: Self) -> Bool { left.description < right.description }

  /// Decodes the label.
  public init(from decoder: any Decoder) throws { self = try decodeText(decoder) }
  /// Encodes the label.
  public func encode(to encoder: any Encoder) throws { try encodeText(description, encoder) }
}

extension SiteName: CodingKeyRepresentable {
  private struct Key: CodingKey {
    let stringValue: String
    var intValue: Int? { nil }
    init(stringValue: String) { self.stringValue = stringValue }
    init?(intValue: Int) { nil }
  }

  /// The label as a key, so that what is kept by site is an object in JSON.
  public var codingKey: any CodingKey { Key(stringValue: description) }

  /// A name, or nil when the key is not a lower-case DNS label.
  public init?(codingKey: some CodingKey) { self.init(codingKey.stringValue) }
}

extension SiteName: TextCoded {
  static var textKind: String { "a site name (1 to 63 of a-z, 0-9 and inner hyphens)" }
}
