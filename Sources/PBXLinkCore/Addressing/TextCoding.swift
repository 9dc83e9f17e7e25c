// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: pbxlink contributors

/// A value that documents carry as text.
protocol TextCoded: LosslessStringConvertible, Codable {
  /// What the text should have been, for the error: "an IP address".
  static var textKind: String { get }
}

/// Decodes a value that documents carry as text.
func decodeText<Value: TextCoded>(_ decoder: any Decoder) throws -> Value {
  let text = try decoder.singleValueContainer().decode(String.self)
  return try value(of: text, at: decoder.codingPath)
}

func encodeText(_ text: String, _ encoder: any Encoder) throws {
  var container = encoder.singleValueContainer()
  try container.encode(text)
}

private func value<Value: TextCoded>(of text: String, at path: [any CodingKey]) throws -> Value {
  guard let value = Value(text) else {
    throw DecodingError.dataCorrupted(
      .init(codingPath: path, debugDescription: "'\(text.prefix(80))' is not \(Value.textKind)"))
  }
  return value
}

// The decoders that the compiler writes take these rather than the general ones, which make a decoder for each text.
extension KeyedDecodingContainer {
  func decode<Value: TextCoded>(_ type: Value.Type, forKey key: Key) throws -> Value {
    try value(of: decode(String.self, forKey: key), at: codingPath + [key])
  }

  func decodeIfPresent<Value: TextCoded>(_ type: Value.Type, forKey key: Key) throws -> Value? {
    try decodeIfPresent(String.self, forKey: key).map { try value(of: $0, at: codingPath + [key]) }
  }

  func decode<Value: TextCoded>(_ type: [Value].Type, forKey key: Key) throws -> [Value] {
    try values(of: decode([String].self, forKey: key), at: key)
  }

  func decodeIfPresent<Value: TextCoded>(_ type: [Value].Type, forKey key: Key) throws -> [Value]? {
    try decodeIfPresent([String].self, forKey: key).map { try values(of: $0, at: key) }
  }

  private func values<Value: TextCoded>(of texts: [String], at key: Key) throws -> [Value] {
    try texts.enumerated().map { index, text in
      try value(of: text, at: codingPath + [key, Position(index)])
    }
  }

  func decode(_ type: Timestamp.Type, forKey key: Key) throws -> Timestamp {
    Timestamp(seconds: try decode(Int64.self, forKey: key))
  }
}

/// The place of an element, for errors.
private struct Position: CodingKey {
  let index: Int
  var intValue: Int? { index }
  var stringValue: String { "Index \(index)" }

  init(_ index: Int) { self.index = index }
  init?(intValue: Int) { self.init(intValue) }
  init?(stringValue: String) { nil }
}
