// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: pbxlink contributors

/// What one openvpn process is started with (openvpn(8), version 2.6). It holds private keys.
public struct OpenVPNProcessConfiguration: Hashable, Sendable {
  /// The configuration without our certificate, which follows from the private key in it.
  public let text: Secret

  /// The configuration for the process of a link.
  public init(_ link: OpenVPNLink, of configuration: OpenVPNConfiguration) {
    let lines = Self.lines(
      link, mtu: configuration.mtu, key: configuration.key, on: configuration.listenAddress)
    text = Secret((lines.joined(separator: "\n") + "\n").utf8)
  }

  /// The configuration in a file that ``file(certificate:)`` made; nil for another one.
  public init?(file: [UInt8]) {
    let mark = Array(Self.certificateMark.utf8)
    guard let start = file.indices.first(where: { file[$0...].starts(with: mark) }) else { return nil }
    text = Secret(file[..<start])
  }

  /// The whole file, with our certificate in PEM.
  public func file(certificate: String) -> Secret {
    Secret(text.exposedBytes + Array((Self.certificateMark + Self.trimmed(certificate) + "\n</cert>\n").utf8))
  }

  private static let certificateMark = "<cert>\n"

  private static func lines(
    _ link: OpenVPNLink, mtu: Int, key: Secret, on listenAddress: IPAddress
  ) -> [String] {
    [
      "# The OpenVPN link to \(link.site), written by pbxlink. Changes are lost: a process with another file",
      "# than this one is replaced.",
      "daemon \(link.interface)",
      "verb 1",
      "management-hold",
      "management-log-cache 50",
      "",
      "# The interface, its addresses and its routes are pbxlink's and outlive the process.",
      "dev \(link.interface)",
      "dev-type tun",
      "disable-dco",
      "persist-tun",
      "persist-key",
      "ifconfig-noexec",
      "route-noexec",
      "script-security 0",
      "tun-mtu \(mtu)",
      "mssfix 0",
      "",
    ] + connection(link, on: listenAddress) + [
      "socket-flags TCP_NODELAY",
      "passtos",
      "keepalive 3 12",
      "connect-retry 1 5",
      "",
      "auth SHA256",
      "tls-version-min 1.3",
      "data-ciphers AES-256-GCM:CHACHA20-POLY1305",
      "allow-compression no",
      "dh none",
      "peer-fingerprint \(link.peerFingerprint)",
      "<key>",
      "-----BEGIN PRIVATE KEY-----",
      privateKey(key),
      "-----END PRIVATE KEY-----",
      "</key>",
      "<tls-auth>",
      "-----BEGIN OpenVPN Static key V1-----",
    ] + staticKey(link.controlKey) + [
      "-----END OpenVPN Static key V1-----",
      "</tls-auth>",
    ]
  }

  private static func connection(_ link: OpenVPNLink, on listenAddress: IPAddress) -> [String] {
    switch link.role {
    case .listen(let port):
      return [
        "proto \(listenAddress.family == .v4 ? "tcp4-server" : "tcp6-server")", "local \(listenAddress)",
        "lport \(port)", "tls-server", "key-direction 0",
      ]
    case .connect(let endpoints, let proxy):
      let proxies = proxy.map { ["http-proxy \(host(of: $0)) \($0.port)"] } ?? []
      return [
        "proto tcp-client", "nobind", "tls-client", "key-direction 1", "connect-timeout 8", "resolv-retry 5",
      ]
        + proxies + endpoints.prefix(64).map { "remote \(host(of: $0)) \($0.port)" }
    }
  }

  private static func host(of endpoint: Endpoint) -> String {
    switch endpoint.host {
    case .address(let address): address.description
    case .name(let name): name
    }
  }

  /// PKCS #8 (RFC 8410 §7). 48 bytes are 64 characters of base64, without padding.
  private static func privateKey(_ seed: Secret) -> String {
    let prefix: [UInt8] = [0x30, 0x2e, 2, 1, 0, 0x30, 5, 6, 3, 0x2b, 0x65, 0x70, 4, 0x22, 4, 0x20]
    return String(
      Base64URL.encode(prefix + seed.exposedBytes).map { character -> Character in
        switch character {
        case "-": "+"
        case "_": "/"
        default: character
        }
      })
  }

  private static func staticKey(_ key: Secret) -> [String] {
    let bytes = key.exposedBytes
    return stride(from: 0, to: bytes.count, by: 16).map { start in
      bytes[start..<min(start + 16, bytes.count)].map(hexadecimal).joined()
    }
  }

  private static func trimmed(_ text: String) -> String {
    text.split(separator: "\n").joined(separator: "\n")
  }
}
