// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: pbxlink contributors

internal import FoundationEssentials
internal import PBXLinkCore

/// One kind of value in a site file: how it reads, how it is written, and what to say when it is neither.
struct SiteFileKind<Value: Sendable>: Sendable {
  /// What the error asks for: "a port from 1 to 65535".
  let expected: String
  /// Whether quotes make the value wrong: numbers and booleans.
  var isBare = false
  /// The values for a text; a range of extensions is several. Throws when it is not of this kind, and the
  /// error may say more than `expected`.
  let parse: @Sendable (String) throws(SiteFileRefusal) -> [Value]
  let text: @Sendable (Value) -> String
}

/// A text that is not of the kind.
struct SiteFileRefusal: Error {
  var reason: String?
}

extension SiteFileKind where Value: LosslessStringConvertible {
  init(
    _ expected: String, isBare: Bool = false,
    where isValid: @escaping @Sendable (Value) -> Bool = { _ in true }
  ) {
    self.init(expected: expected, isBare: isBare) { text throws(SiteFileRefusal) in
      guard let value = Value(text), isValid(value) else { throw SiteFileRefusal() }
      return [value]
    } text: {
      $0.description
    }
  }
}

extension SiteFileKind where Value: FixedWidthInteger & LosslessStringConvertible {
  static func number(_ range: ClosedRange<Value>) -> Self {
    Self("a whole number from \(range.lowerBound) to \(range.upperBound)", isBare: true) {
      range.contains($0)
    }
  }
}

extension SiteFileKind<Double> {
  /// 4.4 is what the E-model gives a line without any fault.
  static let mos = Self("a MOS from 1 to 4.4, such as 3.6", isBare: true) { (1...4.4).contains($0) }
}

extension SiteFileKind<Bool> {
  static let boolean = Self("true or false", isBare: true)
}

extension SiteFileKind<IPPrefix> {
  static let prefix = Self("an IP prefix without host bits, such as 192.168.1.0/24")
}

extension SiteFileKind<IPAddress> {
  static let ipv4Address = Self("an IPv4 address, such as 192.168.1.1") { $0.family == .v4 }
}

extension SiteFileKind<Endpoint> {
  static let listener = Self("ADDRESS:PORT, such as 127.0.0.1:9470 or [::1]:9470") { $0.address != nil }
  static let endpoint = Self("HOST:PORT, such as pbx.example.com:51820 or [2001:db8::5]:51820")
}

extension SiteFileKind<ExtensionPattern> {
  static let pattern = Self(expected: "a pattern or a range, such as 2XX, 3[0-4]XX or 200-299") {
    text throws(SiteFileRefusal) in
    do throws(NumberPlanError) {
      return try ExtensionPattern.parse(text)
    } catch {
      throw SiteFileRefusal(reason: error.description)
    }
  } text: {
    $0.description
  }
}

extension SiteFileKind where Value: RawRepresentable<String> & CaseIterable {
  static var choice: Self {
    Self(expected: Value.allCases.map(\.rawValue).joined(separator: " or ")) { text throws(SiteFileRefusal) in
      guard let value = Value(rawValue: text) else { throw SiteFileRefusal() }
      return [value]
    } text: {
      $0.rawValue
    }
  }
}

extension SiteFileKind<String> {
  static let emergencyNumber = Self("an emergency number of 2 to 15 digits, such as \"115\"") {
    (try? EmergencyNumbers(adding: [$0])) != nil
  }
  static let webURL = Self("a URL such as https://chat.example.com/hooks/abc") { text in
    let url = URL(string: text)
    return ["http", "https"].contains(url?.scheme) && url?.host?.isEmpty == false
  }
  static let path = Self("an absolute path, such as /var/lib/pbxlink") { path in
    path.first == "/" && path.unicodeScalars.allSatisfy { $0.value >= 0x20 && $0.value != 0x7f }
  }
  /// Asterisk cuts longer context names (AST_MAX_CONTEXT is 80, with the zero byte).
  static let context = Self("the name of a dialplan context: 1 to 79 letters, digits, '_', '-' or '.'") {
    (1...79).contains($0.utf8.count) && $0.utf8.allSatisfy(isNameByte)
  }
  /// The kernel takes 15 bytes (IFNAMSIZ is 16, with the zero byte).
  static let interface = Self(
    "an interface name that begins with 'pbxlink', at most 15 of a-z, 0-9 and '-', and is not pbxlink-NUMBER"
  ) { TunnelConfiguration.isInterfaceName($0) && !OpenVPNLink.isInterfaceName($0) }
  /// Audio codecs that chan_iax2 knows by a format bit. Asterisk itself ignores a name that it does not know.
  static let codec: Self = {
    let names = [
      "ulaw", "alaw", "g722", "gsm", "g729", "g726", "g726aal2", "ilbc", "speex", "speex16", "opus", "slin",
      "slin16",
      "adpcm", "lpc10", "g723", "g719", "siren7", "siren14",
    ]
    return Self("one of \(names.joined(separator: ", "))") { names.contains($0) }
  }()

  private static func isNameByte(_ byte: UInt8) -> Bool {
    switch byte {
    case 0x30...0x39, 0x41...0x5a, 0x61...0x7a, 0x2d, 0x2e, 0x5f: true
    default: false
    }
  }
}
