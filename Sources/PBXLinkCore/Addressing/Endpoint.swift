// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: pbxlink contributors

/// Where a tunnel can be reached: an IP address or DNS name with a UDP or TCP port.
public struct Endpoint: Hashable, Sendable {
  /// An address literal or a name to look up.
  public enum Host: Hashable, Sendable {
    case address(IPAddress)
    case name(String)
  }

  /// The host.
  public let host: Host
  /// The port, 1 to 65535.
  public let port: UInt16

  /// An endpoint at an address.
  public init(_ address: IPAddress, port: UInt16) {
    self.host = .address(address)
    self.port = port
  }

  /// The address, when the host is a literal.
  public var address: IPAddress? {
    if case .address(let address) = host { address } else { nil }
  }
}

extension Endpoint: LosslessStringConvertible, CustomStringConvertible, Codable {
  /// Parses "203.0.113.5:51820", "[2001:db8::5]:51820" or "pbx.example.com:51820".
  public init?(_ text: String) {
    guard let colon = text.utf8.lastIndex(of: 0x3a) else { return nil }
    let digits = text.utf8[text.utf8.index(after: colon)...]
    guard digits.first != 0x30, digits.allSatisfy({ (0x30...0x39).contains($0) }),
      let port = UInt16(Substring(digits)), port > 0
    else { return nil }
    let hostText = text[..<colon]
    if hostText.first == "[", hostText.last == "]" {
      guard let address = IPAddress(String(hostText.dropFirst().dropLast())), address.family == .v6
      else { return nil }
      self.host = .address(address)
    } else if let address = IPAddress(String(hostText)) {
      guard address.family == .v4 else { return nil }
      self.host = .address(address)
    } else if Self.isHostName(hostText) {
      self.host = .name(hostText.lowercased())
    } else {
      return nil
    }
    self.port = port
  }

  /// RFC 1123 §2.1 host name; a name whose last label is all digits is a mistyped address.
  private static func isHostName(_ text: Substring) -> Bool {
    // ASCII first: lower-casing turns some other letters (the Kelvin sign) into ASCII ones.
    guard (1...253).contains(text.utf8.count), text.utf8.allSatisfy({ $0 < 0x80 }) else { return false }
    let labels = text.lowercased().utf8.split(separator: 0x2e, omittingEmptySubsequences: false)
    return labels.last?.allSatisfy { (0x30...0x39).contains($0) } == false
      && labels.allSatisfy(SiteName.isLabel)
  }

  /// The text form; IPv6 literals in brackets.
  public var description: String {
    switch host {
    case .address(let address): address.family == .v4 ? "\(address):\(port)" : "[\(address)]:\(port)"
    case .name(let name): "\(name):\(port)"
    }
  }

  /// Decodes the text form.
  public init(from decoder: any Decoder) throws { self = try decodeText(decoder) }
  /// Encodes the text form.
  public func encode(to encoder: any Encoder) throws { try encodeText(description, encoder) }
}

extension Endpoint: TextCoded {
  static var textKind: String { "an endpoint (HOST:PORT)" }
}
