// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: pbxlink contributors

import PBXLinkCore
import Testing

@Suite("Documents")
struct DocumentTests {
  let mesh: SampleMesh
  let membership: Membership
  let descriptor: Descriptor

  init() throws {
    mesh = try SampleMesh()
    membership = try mesh.membership("lyon", number: 2)
    descriptor = try mesh.descriptor(of: membership)
  }

  private func verifyMembership(_ json: String) throws -> Membership {
    try Membership.verified(
      mesh.sign(json: json, kind: .membership, by: mesh.authority), by: mesh.authority.publicKey,
      using: mesh.cryptography)
  }

  private func verifyDescriptor(_ json: String) throws -> Descriptor {
    let text = try mesh.sign(json: json, kind: .descriptor, by: FakeSigner("lyon"))
    return try Descriptor.verified(text, in: mesh.identity, using: mesh.cryptography).descriptor
  }

  @Test("every document reads back as it was signed, and signs to the same bytes again")
  func roundTrips() throws {
    let key = mesh.authority.publicKey
    let text = try mesh.sign(membership)
    #expect(try Membership.verified(text, by: key, using: mesh.cryptography) == membership)
    #expect(try mesh.sign(membership) == text)
    let verified = try Descriptor.verified(
      mesh.sign(descriptor, by: "lyon"), in: mesh.identity, using: mesh.cryptography)
    #expect(verified == (descriptor, membership))
    let list = try mesh.revocations(["lyon", "oslo"], serial: 3)
    #expect(try Revocations.verified(mesh.sign(list), by: key, using: mesh.cryptography) == list)
  }

  @Test("payloads have sorted snake_case keys and plain slashes")
  func payloads() throws {
    let text = try payloadText(mesh.sign(membership))
    #expect(
      text == """
        {"addresses":["10.77.0.2","fd00::2"],"extensions":["2XX"],"identity":"\(membership.identity)",\
        "mesh":"acme","not_after":1800086400,"not_before":1800000000,"roles":["inviter","relay"],"serial":1,\
        "site":"lyon"}
        """)
    let json = try payloadText(mesh.sign(descriptor, by: "lyon"))
    for key in ["agent_version", "call_limit", "expires_at", "issued_at", "public_key"] {
      #expect(json.contains("\"\(key)\":"))
    }
    #expect(try payloadText(mesh.sign(mesh.invitation())).contains(#""networks":["10.77.0.0/16"]"#))
  }

  @Test("unknown keys and roles of a newer version are ignored")
  func unknownKeys() throws {
    let json = try payloadText(mesh.sign(membership))
    let newer = json.replacing(#""roles":["inviter","relay"]"#, with: #""moon":{"x":[1]},"roles":["oracle"]"#)
    #expect(try verifyMembership(newer).roles == [Role(rawValue: "oracle")])
  }

  @Test(
    "a wrong membership names the key",
    arguments: [
      (#""site":"lyon""#, #""site":"Lyon""#, "site"),
      (#""site":"lyon""#, #""site":7"#, "site"),
      (#","site":"lyon""#, "", "site"),
      (#""serial":1"#, #""serial":0"#, "serial"),
      (#""serial":1"#, #""serial":9007199254740992"#, "serial"),
      (#""10.77.0.2","#, "", "addresses"),
      (#""10.77.0.2""#, #""10.77.0.256""#, "addresses[0]"),
      (#""not_after":1800086400"#, #""not_after":1800000000"#, "not_after"),
      (#""extensions":["2XX"]"#, #""extensions":["2XX","x"]"#, "extensions[1]"),
      (#""mesh":"acme""#, #""mesh":"a_b""#, "mesh"),
    ])
  func wrongMembership(_ good: String, _ bad: String, _ key: String) throws {
    let json = try payloadText(mesh.sign(membership))
    try #require(json.contains(good))
    let error = try #require(throws: DocumentError.self) {
      try verifyMembership(json.replacing(good, with: bad))
    }
    guard case .badPayload(.membership, key, _) = error else {
      Issue.record("\(error)")
      return
    }
    #expect(error.description.contains("'\(key)'"))
  }

  @Test(
    "a number out of range is refused as such", arguments: ["-1", "1.5", "18446744073709551616", "1e400"])
  func numbersOutOfRange(_ number: String) throws {
    let json = try payloadText(mesh.sign(membership))
    let error = try #require(throws: DocumentError.self) {
      try verifyMembership(json.replacing(#""serial":1"#, with: #""serial":\#(number)"#))
    }
    #expect(error.description.contains("out of range"), "\(error)")
  }

  @Test("what is no JSON object is refused", arguments: ["", "{", "[]", "null", "\u{0}", "{}", "[[[["])
  func notJSON(_ text: String) throws {
    #expect(throws: DocumentError.self) { try verifyMembership(text) }
    #expect(throws: DocumentError.self) { try verifyDescriptor(text) }
  }

  @Test("a nest of brackets is refused without harm")
  func deepNest() throws {
    let nest = String(repeating: "[", count: 12_000)
    #expect(throws: DocumentError.self) { try verifyDescriptor(nest) }
    #expect(throws: DocumentError.self) { try verifyDescriptor(#"{"membership":"# + nest) }
  }

  @Test(
    "a wrong descriptor names the key",
    arguments: [
      (#""port":4569"#, #""port":0"#, "trunk"),
      (#""call_limit":4"#, #""call_limit":0"#, "trunk"),
      (#""codecs":["ulaw","alaw"]"#, #""codecs":[]"#, "trunk"),
      (#""ulaw""#, #""ulaw\nsecret=x""#, "trunk"),
      (#""agent_version":"0.1.0""#, #""agent_version":"\u001b[2J""#, "agent_version"),
      (#""generation":1,"#, "", "trunk.keys[0].generation"),
      (#""expires_at":1800003600"#, #""expires_at":1"#, "expires_at"),
      (#""serial":1"#, #""previous":"AAAA","serial":1"#, "previous"),
      (#""203.0.113.5:51820""#, #""203.0.113.5""#, "wireguard.endpoints[0]"),
      (#""203.0.113.5:443""#, #""203.0.113.5:443\nup /bin/sh""#, "openvpn.endpoints[0]"),
      (#""AB:AB:"#, #""XB:AB:"#, "openvpn.fingerprint"),
      (#""AB:AB:"#, #""AB:"#, "openvpn.fingerprint"),
    ])
  func wrongDescriptor(_ good: String, _ bad: String, _ key: String) throws {
    let json = try payloadText(mesh.sign(descriptor, by: "lyon"))
    try #require(json.contains(good))
    let error = try #require(throws: DocumentError.self) {
      try verifyDescriptor(json.replacing(good, with: bad))
    }
    guard case .badPayload(.descriptor, key, _) = error else {
      Issue.record("\(error)")
      return
    }
  }

  @Test("a descriptor without OpenVPN, as older agents sign it, is a good one")
  func withoutOpenVPN() throws {
    var older = descriptor
    older.openvpn = nil
    let json = try payloadText(mesh.sign(older, by: "lyon"))
    #expect(!json.contains("openvpn"))
    #expect(try verifyDescriptor(json).openvpn == nil)
  }

  @Test("a descriptor cannot claim what its membership does not grant")
  func claims() throws {
    let granted = try #require(ExtensionPattern("24X"))
    let foreign = try #require(ExtensionPattern("3XX"))
    let address = try #require(IPAddress("10.77.0.9"))
    var claim = descriptor
    claim.extensions = [granted]
    claim.addresses = [membership.addresses[0]]
    let verify = { (claim: Descriptor) in
      try Descriptor.verified(mesh.sign(claim, by: "lyon"), in: mesh.identity, using: mesh.cryptography)
    }
    #expect(try verify(claim).descriptor == claim)
    claim.extensions = [granted, foreign]
    #expect(throws: DocumentError.extensionNotGranted(foreign, site: membership.site)) { try verify(claim) }
    claim.extensions = []
    claim.addresses = [address]
    #expect(throws: DocumentError.addressNotGranted(address, site: membership.site)) { try verify(claim) }
  }

  @Test("a descriptor is refused under another's membership, a forged one, or for another mesh")
  func borrowedMembership() throws {
    var forged = descriptor
    forged.membership = try mesh.sign(membership, by: "lyon")
    #expect(throws: DocumentError.self) {
      try Descriptor.verified(mesh.sign(forged, by: "lyon"), in: mesh.identity, using: mesh.cryptography)
    }
    #expect(throws: DocumentError.self) {
      try Descriptor.verified(mesh.sign(descriptor, by: "oslo"), in: mesh.identity, using: mesh.cryptography)
    }
    let sister = try SampleMesh(name: "other")
    #expect(throws: DocumentError.wrongMesh(found: mesh.identity.name, expected: sister.identity.name)) {
      try Descriptor.verified(
        mesh.sign(descriptor, by: "lyon"), in: sister.identity, using: mesh.cryptography)
    }
  }

  @Test(
    "no document with an emergency number is signed or believed",
    arguments: ["911", "9XX", "11[0-4]", "XXX"])
  func emergency(_ pattern: String) throws {
    let bad = try mesh.membership("lyon", number: 2, extensions: [pattern])
    #expect(throws: DocumentError.self) { try mesh.sign(bad) }
    let json = try payloadText(mesh.sign(membership)).replacing("2XX", with: pattern)
    let error = try #require(throws: DocumentError.self) { try verifyMembership(json) }
    guard case .emergencyNumber(.membership, _) = error else {
      Issue.record("\(error)")
      return
    }
  }

  @Test("a weak identity key is refused")
  func weakIdentity() throws {
    var bad = membership
    bad.identity = try #require(PublicKey(bytes: [1] + Array(repeating: 0, count: 31)))
    #expect(throws: DocumentError.weakKey(bad.identity)) { try mesh.sign(bad) }
  }

  @Test("a reason is short and printable, however it came")
  func reasons() throws {
    let entry = Revocations.Entry(
      identity: membership.identity, site: membership.site, at: SampleMesh.now,
      reason: "stolen\u{1b}[2J\n" + String(repeating: "x", count: 300))
    #expect(entry.reason.hasPrefix("stolen [2J x"))
    #expect(entry.reason.unicodeScalars.count == 200)
    let json = try payloadText(mesh.sign(mesh.revocations(["lyon"], serial: 1)))
    let text = try mesh.sign(
      json: json.replacing("list 1", with: #"a\u0007b"#), kind: .revocations, by: mesh.authority)
    let list = try Revocations.verified(text, by: mesh.authority.publicKey, using: mesh.cryptography)
    #expect(list.revoked.map(\.reason) == ["a b"])
  }
}
