// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: pbxlink contributors

/// The first packet of an OpenVPN client over TCP, protected by tls-auth with SHA-256: a two-byte length, then
/// P_CONTROL_HARD_RESET_CLIENT_V2 with session id, HMAC, packet id, time, acknowledgements and message id
/// (OpenVPN's ssl_pkt.h; its swap_hmac() gives the order under the HMAC).
public struct OpenVPNFirstPacket: Hashable, Sendable {
  /// HMAC-SHA256 over ``authenticated`` with the sender's key.
  public let authenticationCode: [UInt8]
  /// What the HMAC covers, in its order: packet id and time, opcode and session id, the rest.
  public let authenticated: [UInt8]

  /// What the first bytes of a connection are.
  public enum Reading: Hashable, Sendable {
    /// More must come before it is known.
    case incomplete
    /// No such packet, whatever comes.
    case foreign
    case packet(OpenVPNFirstPacket)
  }

  /// A packet without acknowledgements and payload, the shortest and today the only kind.
  static let shortestLength = 54
  /// Later versions may add a payload; no client sends more before it has heard anything.
  static let longestLength = 512
  /// Opcode 7 in the upper five bits, key id 0 in the others.
  static let opcode: UInt8 = 7 << 3

  private static let header = 1 + 8  // opcode, session id
  private static let codeLength = 32

  /// Looks at what a connection has brought so far.
  public static func read(_ bytes: some Collection<UInt8>) -> Reading {
    let bytes = Array(bytes.prefix(2 + longestLength))
    guard bytes.count >= 2 else { return .incomplete }
    let length = Int(bytes[0]) << 8 | Int(bytes[1])
    guard (shortestLength...longestLength).contains(length) else { return .foreign }
    guard bytes.count >= 3 else { return .incomplete }
    guard bytes[2] == opcode else { return .foreign }
    guard bytes.count >= 2 + length else { return .incomplete }
    let packet = Array(bytes[2..<2 + length])
    let code = header..<header + codeLength
    let replayProtection = code.upperBound..<code.upperBound + 4 + 4  // packet id, time
    return .packet(
      OpenVPNFirstPacket(
        authenticationCode: Array(packet[code]),
        authenticated: Array(packet[replayProtection]) + packet[..<header]
          + packet[replayProtection.upperBound...]))
  }

  /// The HMAC key of a peer with key direction 1 in the 256 bytes that both ends have: of the second key
  /// (each is 64 bytes for a cipher and 64 for an HMAC) as much as SHA-256 takes. Nil for any other length.
  public static func authenticationKey(in controlKey: Secret) -> Secret? {
    let bytes = controlKey.exposedBytes
    return bytes.count == 256 ? Secret(bytes[192..<224]) : nil
  }
}
