// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: pbxlink contributors

/// A POKE of IAX2 (RFC 5456 §6.7.1): whoever speaks IAX2 answers it with a PONG, without a call, an account or any
/// other sign that calls would be taken.
public struct IAXPoke: Hashable, Sendable {
  /// Octets of a full frame without information elements (RFC 5456 §8.1.1), POKE and PONG alike.
  public static let length = 12

  /// Our number for the dialog, 1 to 32767.
  public let callNumber: UInt16
  /// Milliseconds; comes back in the PONG.
  public let timestamp: UInt32

  private static let controlFrame: UInt8 = 6
  private enum Subclass {
    static let pong: UInt8 = 3
    static let poke: UInt8 = 30
  }

  /// The POKE of a dialog of its own.
  init(number: UInt32) {
    callNumber = UInt16(number % 32767) + 1
    timestamp = number
  }

  /// The POKE that a PONG answers; nil for any other frame. PONGs may carry information elements (§6.7.3).
  public init?(answeredBy bytes: [UInt8]) {
    guard bytes.count >= Self.length, bytes[0] & 0x80 != 0, bytes[10] == Self.controlFrame,
      bytes[11] == Subclass.pong
    else { return nil }
    callNumber = bytes.integer(at: 2) & 0x7fff
    timestamp = bytes.integer(at: 4)
  }

  /// The octets on the wire.
  public var bytes: [UInt8] {
    var bytes = [UInt8](repeating: 0, count: Self.length)
    bytes.write(integer: callNumber | 0x8000, at: 0)
    bytes.write(integer: timestamp, at: 4)
    (bytes[10], bytes[11]) = (Self.controlFrame, Subclass.poke)
    return bytes
  }
}
