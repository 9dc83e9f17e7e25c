// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: pbxlink contributors

import PBXLinkCore
import PBXLinkSystem

/// A site with all that sites announce, and keys of its own.
struct SampleSite {
  let address: IPAddress
  let membership: String
  let descriptor: String

  /// - Parameters:
  ///   - number: below 16,000; sites of different numbers share nothing.
  ///   - isPublic: whether it has endpoints.
  init(
    _ number: Int, isPublic: Bool = true, of mesh: MeshIdentity, signedBy authority: some Signer,
    using cryptography: some Cryptography, at now: Timestamp = Timestamp(seconds: 1_800_000_000)
  ) throws {
    let (third, fourth) = (64 + number / 250, 1 + number % 250)
    let identity = try Ed25519PrivateKey.generate()
    func key() throws -> PublicKey { try X25519PrivateKey.generate().publicKey }
    guard let name = SiteName("branch-\(number)"), let address = IPAddress("10.77.\(third).\(fourth)"),
      let address6 = IPAddress("fd77::\(third):\(fourth)"),
      let pattern = ExtensionPattern("\(10_000 + number)X"),
      let host = Endpoint("branch-\(number).pbx.example.com:51820"),
      let endpoint = Endpoint("198.51.100.\(fourth):51820"),
      let tcp = Endpoint("198.51.100.\(fourth):443"),
      let fingerprint = CertificateFingerprint(bytes: identity.publicKey.bytes)
    else { throw Command.Failure(description: "no site \(number)") }
    self.address = address
    membership = try Membership(
      mesh: mesh.name, site: name, identity: identity.publicKey, addresses: [address, address6],
      extensions: [pattern], serial: 1, notBefore: now, notAfter: now + 1095 * 86_400
    ).signed(by: authority, using: cryptography)
    descriptor = try Descriptor(
      membership: membership, serial: 2,
      previous: DocumentVersion.hash(of: membership, using: cryptography), issuedAt: now,
      expiresAt: now + 30 * 86_400,
      wireguard: .init(
        publicKey: try key(), nextPublicKey: try key(), endpoints: isPublic ? [host, endpoint] : []),
      openvpn: .init(fingerprint: fingerprint, endpoints: isPublic ? [tcp] : []),
      trunk: .init(
        keys: [.init(generation: 1, publicKey: try key())], port: 4569, callLimit: 4,
        codecs: ["g722", "ulaw", "alaw"], encryption: true),
      extensions: [pattern], agentVersion: Version.current
    ).signed(by: identity, using: cryptography)
  }
}
