// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: pbxlink contributors

/// What a directory holds, in a kilobyte: directories with the same summary need not compare more.
///
/// The documents are spread over buckets by what they are about; a bucket is the exclusive or of the first 128 bits
/// of their SHA-256, whatever their order. A member that finds two descriptors of its own with the same 128 bits
/// (2^64 attempts) could keep two sites from noticing that they hold different ones of it, and nothing else.
public struct DirectorySummary: Hashable, Sendable {
  /// How many buckets there are.
  public static let bucketCount = 64
  private static let width = 16
  private var bytes = [UInt8](repeating: 0, count: bucketCount * width)

  /// The summary of an empty directory.
  init() {}

  /// The bucket for a document's subject.
  static func bucket(of kind: DocumentKind, _ subject: String) -> Int {
    Int(StableHash.of(kind.rawValue, subject) % UInt64(bucketCount))
  }

  /// Adds a document that was not held, or takes away one that was.
  mutating func toggle(_ record: Directory.Record) {
    let start = record.bucket * Self.width
    for (index, byte) in (Base64URL.decode(record.version.hash) ?? []).prefix(Self.width).enumerated() {
      bytes[start + index] ^= byte
    }
  }

  /// All buckets in one: 22 characters of base64url.
  public var hash: String {
    var whole = [UInt8](repeating: 0, count: Self.width)
    for index in bytes.indices { whole[index % Self.width] ^= bytes[index] }
    return Base64URL.encode(whole)
  }

  /// The buckets in which two directories differ.
  public func differences(from other: Self) -> Set<Int> {
    Set(bytes.indices.lazy.filter { bytes[$0] != other.bytes[$0] }.map { $0 / Self.width })
  }
}

extension DirectorySummary: LosslessStringConvertible, CustomStringConvertible, Codable {
  /// Parses base64url.
  public init?(_ text: String) {
    guard let bytes = Base64URL.decode(text), bytes.count == Self.bucketCount * Self.width else { return nil }
    self.bytes = bytes
  }

  /// The buckets, in base64url.
  public var description: String { Base64URL.encode(bytes) }

  /// Decodes base64url.
  public init(from decoder: any Decoder) throws { self = try decodeText(decoder) }
  /// Encodes base64url.
  public func encode(to encoder: any Encoder) throws { try encodeText(description, encoder) }
}

extension DirectorySummary: TextCoded {
  static var textKind: String { "the summary of a directory (\(bucketCount) buckets)" }
}
