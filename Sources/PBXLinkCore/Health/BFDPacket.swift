// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: pbxlink contributors

/// A BFD control packet without authentication (RFC 5880 §4.1).
public struct BFDPacket: Hashable, Sendable {
  /// Length in octets.
  public static let length = 24

  /// The state of the session at the end that sends (§4.1, Sta).
  public enum State: UInt8, Sendable {
    case adminDown, down, initializing, up
  }

  /// Why the session left its former state at the end that sends (§4.1, Diag).
  public struct Diagnostic: RawRepresentable, Hashable, Sendable {
    /// 0 to 31.
    public let rawValue: UInt8

    /// A code; those above 8 have no meaning yet.
    public init(rawValue: UInt8) { self.rawValue = rawValue & 0x1f }

    /// Nothing to tell.
    public static let none = Self(rawValue: 0)
    /// Nothing came for a detection time.
    public static let detectionTimeExpired = Self(rawValue: 1)
    /// The other end said that it is down: it hears nothing from here.
    public static let neighborSignaledDown = Self(rawValue: 3)
    /// The session is held down by whoever runs it.
    public static let administrativelyDown = Self(rawValue: 7)
  }

  /// The sender's state.
  public var state: State
  /// Why it is so.
  public var diagnostic = Diagnostic.none
  /// P: an answer with F is asked for.
  public var isPoll = false
  /// F: this is that answer.
  public var isFinal = false
  /// So many of the sender's packets in a row may be lost.
  public var detectMultiplier: UInt8
  /// The sender's name for the session, never 0.
  public var myDiscriminator: UInt32
  /// The receiver's name for it, 0 while the sender does not know it.
  public var yourDiscriminator: UInt32
  /// How often the sender would like to send; whole microseconds.
  public var desiredMinTransmit: Duration {
    get { .microseconds(Int64(desiredMinTransmitMicroseconds)) }
    set { desiredMinTransmitMicroseconds = newValue.wholeMicroseconds }
  }
  /// How often it can receive; zero: it wants none.
  public var requiredMinReceive: Duration {
    get { .microseconds(Int64(requiredMinReceiveMicroseconds)) }
    set { requiredMinReceiveMicroseconds = newValue.wholeMicroseconds }
  }
  private var desiredMinTransmitMicroseconds: UInt32
  private var requiredMinReceiveMicroseconds: UInt32

  /// A packet to send.
  public init(
    state: State, detectMultiplier: UInt8, myDiscriminator: UInt32, yourDiscriminator: UInt32,
    desiredMinTransmit: Duration, requiredMinReceive: Duration
  ) {
    self.state = state
    self.detectMultiplier = detectMultiplier
    self.myDiscriminator = myDiscriminator
    self.yourDiscriminator = yourDiscriminator
    desiredMinTransmitMicroseconds = desiredMinTransmit.wholeMicroseconds
    requiredMinReceiveMicroseconds = requiredMinReceive.wholeMicroseconds
  }

  /// A received packet; nil where §6.8.6 has it discarded before a session is looked for: another version, a length that
  /// does not fit, authentication (which none of our sessions uses), Multipoint, a zero where there must be none.
  public init?(bytes: [UInt8]) { self.init(in: bytes, at: 0) }

  /// The same among other octets, from an offset on.
  init?(in bytes: [UInt8], at start: Int) {
    guard start + Self.length <= bytes.count, bytes[start] >> 5 == 1, bytes[start + 3] == Self.length,
      let state = State(rawValue: bytes[start + 1] >> 6),
      bytes[start + 1] & (Flag.authentication | Flag.multipoint) == 0, bytes[start + 2] != 0
    else { return nil }
    self.state = state
    diagnostic = Diagnostic(rawValue: bytes[start])
    isPoll = bytes[start + 1] & Flag.poll != 0
    isFinal = bytes[start + 1] & Flag.final != 0
    detectMultiplier = bytes[start + 2]
    myDiscriminator = bytes.integer(at: start + 4)
    yourDiscriminator = bytes.integer(at: start + 8)
    desiredMinTransmitMicroseconds = bytes.integer(at: start + 12)
    requiredMinReceiveMicroseconds = bytes.integer(at: start + 16)
    guard myDiscriminator != 0, yourDiscriminator != 0 || state == .down || state == .adminDown else {
      return nil
    }
  }

  /// The octets on the wire.
  public var bytes: [UInt8] {
    var bytes = [UInt8](repeating: 0, count: Self.length)
    write(into: &bytes, at: 0)
    return bytes
  }

  /// Writes the octets over others, from an offset on; the last four are zero, for the Echo function.
  func write(into bytes: inout [UInt8], at start: Int) {
    bytes[start] = 1 << 5 | diagnostic.rawValue
    bytes[start + 1] = state.rawValue << 6 | (isPoll ? Flag.poll : 0) | (isFinal ? Flag.final : 0)
    bytes[start + 2] = detectMultiplier
    bytes[start + 3] = UInt8(Self.length)
    bytes.write(integer: myDiscriminator, at: start + 4)
    bytes.write(integer: yourDiscriminator, at: start + 8)
    bytes.write(integer: desiredMinTransmitMicroseconds, at: start + 12)
    bytes.write(integer: requiredMinReceiveMicroseconds, at: start + 16)
    bytes.write(integer: UInt32(0), at: start + 20)
  }

  private enum Flag {
    static let poll: UInt8 = 0x20
    static let final: UInt8 = 0x10
    static let authentication: UInt8 = 0x04
    static let multipoint: UInt8 = 0x01
  }
}

extension Duration {
  /// As 32 bits of the wire have it.
  fileprivate var wholeMicroseconds: UInt32 {
    let (seconds, attoseconds) = components
    guard seconds >= 0, attoseconds >= 0 else { return 0 }
    guard seconds <= UInt32.max / 1_000_000 else { return .max }
    let microseconds = seconds * 1_000_000 + (attoseconds + 500_000_000_000) / 1_000_000_000_000
    return UInt32(min(microseconds, Int64(UInt32.max)))
  }
}
