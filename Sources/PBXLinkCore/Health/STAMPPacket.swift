// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: pbxlink contributors

/// What a STAMP Session-Sender sends without authentication (RFC 8762 §4.2.1).
public struct STAMPPacket: Hashable, Sendable {
  /// Length of the base packet in octets, the same in both directions.
  public static let baseLength = 44
  /// Length of the shortest packet that has all fields: a TWAMP-Test packet (RFC 5357 §4.1.2).
  public static let shortestLength = 14

  /// Counts the packets of a session from 0.
  public let sequence: UInt32
  /// T1, when the packet was sent.
  public let timestamp: NTPTimestamp
  /// How far the timestamp can be trusted.
  public let errorEstimate: STAMPErrorEstimate
  /// What follows the base packet: padding, or the TLVs of RFC 8972.
  public let extensions: [UInt8]

  /// A packet to send.
  public init(
    sequence: UInt32, timestamp: NTPTimestamp, errorEstimate: STAMPErrorEstimate = .unsynchronized,
    extensions: [UInt8] = []
  ) {
    self.sequence = sequence
    self.timestamp = timestamp
    self.errorEstimate = errorEstimate
    self.extensions = extensions
  }

  /// A packet that makes an IPv4 packet of a size in bytes, 76 at least.
  init(sequence: UInt32, timestamp: NTPTimestamp, size: Int) {
    self.init(
      sequence: sequence, timestamp: timestamp,
      extensions: STAMPExtensions.padding(length: size - Self.headerLength - Self.baseLength))
  }

  /// Of IPv4 without options (RFC 791 §3.1), and of UDP.
  private static let headerLength = 20 + 8

  /// A received packet; nil when it is too short for its fields. Octets that must be zero are not looked at.
  public init?(bytes: [UInt8]) {
    guard bytes.count >= Self.shortestLength else { return nil }
    self.init(
      sequence: bytes.integer(at: 0),
      timestamp: NTPTimestamp(value: bytes.integer(at: 4)),
      errorEstimate: STAMPErrorEstimate(value: bytes.integer(at: 12)),
      extensions: Array(bytes.dropFirst(Self.baseLength)))
  }

  /// The octets on the wire.
  public var bytes: [UInt8] {
    var bytes = [UInt8](base: Self.baseLength, and: extensions)
    bytes.write(integer: sequence, at: 0)
    bytes.write(integer: timestamp.value, at: 4)
    bytes.write(integer: errorEstimate.value, at: 12)
    return bytes
  }
}

/// The Error Estimate field: S, Z, Scale and Multiplier (RFC 4656 §4.1.2, RFC 8762 §4.2.1).
public struct STAMPErrorEstimate: Hashable, Sendable {
  /// The 16 bits.
  public let value: UInt16

  /// An estimate from its 16 bits.
  public init(value: UInt16) { self.value = value }

  /// A clock of which nothing is known: not synchronised, the largest error that can be written.
  public static let unsynchronized = Self(value: 0x3fff)

  /// Z: the timestamp is PTPv2's truncated format instead of NTP's.
  public var isPTP: Bool { value & 0x4000 != 0 }
}
