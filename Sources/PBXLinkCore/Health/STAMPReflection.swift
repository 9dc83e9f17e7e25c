// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: pbxlink contributors

/// What a STAMP Session-Reflector answers without authentication (RFC 8762 §4.3.1). Ours is stateful: it counts the
/// packets of a session itself.
public struct STAMPReflection: Hashable, Sendable {
  /// Length of the shortest answer that has all the sender's fields: some TWAMP reflectors end there.
  public static let shortestLength = 38

  /// The reflector's own count, or the sender's when it keeps none.
  public let sequence: UInt32
  /// T3, when the answer was sent.
  public let timestamp: NTPTimestamp
  /// How far T2 and T3 can be trusted.
  public let errorEstimate: STAMPErrorEstimate
  /// T2, when the packet arrived.
  public let receiveTimestamp: NTPTimestamp
  /// Copied from the packet.
  public let senderSequence: UInt32
  /// T1, copied from the packet.
  public let senderTimestamp: NTPTimestamp
  /// Copied from the packet.
  public let senderErrorEstimate: STAMPErrorEstimate
  /// The TTL that the packet arrived with; 0 when the reflector does not say.
  public let senderTTL: UInt8
  /// What followed the base packet, as long as it came, so that the answer is as long as the packet (§4.6).
  public let extensions: [UInt8]

  /// The answer to a packet. One that is shorter than the base packet gets a base packet (§4.6).
  /// - Parameters:
  ///   - number: which packet of the session it answers, counted from 0.
  ///   - liveness: our end of the BFD session that the packet is of.
  public init(
    to packet: STAMPPacket, number: UInt32, receivedAt: NTPTimestamp, ttl: UInt8, sentAt: NTPTimestamp,
    liveness: BFDPacket? = nil
  ) {
    sequence = number
    timestamp = sentAt
    errorEstimate = .unsynchronized
    receiveTimestamp = receivedAt
    senderSequence = packet.sequence
    senderTimestamp = packet.timestamp
    senderErrorEstimate = packet.errorEstimate
    senderTTL = ttl
    // Each packet is answered, so as many are received as sent.
    extensions = STAMPExtensions.reflection(
      of: packet.extensions, count: number &+ 1, liveness: liveness)
  }

  /// A received answer; nil when it is too short for its fields. Octets that must be zero are not looked at.
  public init?(bytes: [UInt8]) {
    guard bytes.count >= Self.shortestLength else { return nil }
    sequence = bytes.integer(at: 0)
    timestamp = NTPTimestamp(value: bytes.integer(at: 4))
    errorEstimate = STAMPErrorEstimate(value: bytes.integer(at: 12))
    receiveTimestamp = NTPTimestamp(value: bytes.integer(at: 16))
    senderSequence = bytes.integer(at: 24)
    senderTimestamp = NTPTimestamp(value: bytes.integer(at: 28))
    senderErrorEstimate = STAMPErrorEstimate(value: bytes.integer(at: 36))
    senderTTL = bytes.count > 40 ? bytes[40] : 0
    extensions = Array(bytes.dropFirst(STAMPPacket.baseLength))
  }

  /// The octets on the wire.
  public var bytes: [UInt8] {
    var bytes = [UInt8](base: STAMPPacket.baseLength, and: extensions)
    bytes.write(integer: sequence, at: 0)
    bytes.write(integer: timestamp.value, at: 4)
    bytes.write(integer: errorEstimate.value, at: 12)
    bytes.write(integer: receiveTimestamp.value, at: 16)
    bytes.write(integer: senderSequence, at: 24)
    bytes.write(integer: senderTimestamp.value, at: 28)
    bytes.write(integer: senderErrorEstimate.value, at: 36)
    bytes[40] = senderTTL
    return bytes
  }

  /// The time there and back, without what the reflector took. It cannot have taken longer than the whole way; if it
  /// says so its clock was set, and all of it counts.
  func roundTrip(sentAt sent: Duration, receivedAt now: Duration) -> Duration {
    let elapsed = now - sent
    return processingTime <= elapsed ? elapsed - processingTime : elapsed
  }

  /// T3 - T2, the time that the reflector took; zero when its timestamps cannot be compared.
  public var processingTime: Duration {
    errorEstimate.isPTP ? .zero : max(.zero, timestamp.elapsed(since: receiveTimestamp))
  }
}
