// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: pbxlink contributors

import PBXLinkCore
import Testing

@Suite("JWS")
struct JWSTests {
  let mesh: SampleMesh
  let text: String

  init() throws {
    mesh = try SampleMesh()
    text = try JWS.sign(
      payload: Array(#"{"a":1}"#.utf8), kind: .membership, by: mesh.authority, using: mesh.cryptography)
  }

  private func verify(
    _ text: String, kind: DocumentKind = .membership, by key: PublicKey? = nil
  ) throws(DocumentError) -> [UInt8] {
    try JWS.verify(text, kind: kind, by: key ?? mesh.authority.publicKey, using: mesh.cryptography)
  }

  @Test("the header is the one form, byte for byte, and the payload comes back as signed")
  func form() throws {
    let thumbprint = mesh.authority.publicKey.thumbprint(using: mesh.cryptography)
    let header = try #require(Base64URL.decode(text.split(separator: ".")[0]))
    #expect(
      String(decoding: header, as: UTF8.self)
        == #"{"alg":"EdDSA","kid":"\#(thumbprint)","typ":"pbxlink-membership+jws"}"#)
    #expect(try verify(text) == Array(#"{"a":1}"#.utf8))
  }

  @Test("changing, dropping or adding any one character is refused")
  func tampering() throws {
    let alphabet = Array("ABCDwxyz0189-_.= \n".utf8)
    let bytes = Array(text.utf8)
    for index in bytes.indices {
      var dropped = bytes
      dropped.remove(at: index)
      #expect(throws: DocumentError.self) { try verify(String(decoding: dropped, as: UTF8.self)) }
      for letter in alphabet where letter != bytes[index] {
        var changed = bytes
        changed[index] = letter
        #expect(throws: DocumentError.self) { try verify(String(decoding: changed, as: UTF8.self)) }
      }
      var longer = bytes
      longer.insert(UInt8(ascii: "A"), at: index)
      #expect(throws: DocumentError.self) { try verify(String(decoding: longer, as: UTF8.self)) }
    }
    #expect(throws: DocumentError.self) { try verify(text + "\n") }
  }

  @Test(
    "any other header is refused before its signature is looked at",
    arguments: [
      #"{"alg":"none","kid":"KID","typ":"pbxlink-membership+jws"}"#,
      #"{"alg":"HS256","kid":"KID","typ":"pbxlink-membership+jws"}"#,
      #"{"alg":"EdDSA", "kid":"KID","typ":"pbxlink-membership+jws"}"#,
      #"{"kid":"KID","alg":"EdDSA","typ":"pbxlink-membership+jws"}"#,
      #"{"alg":"EdDSA","kid":"KID","typ":"pbxlink-membership+jws","crit":["exp"]}"#,
      #"{"alg":"EdDSA","kid":"KID","typ":"pbxlink-membership+jws"} "#,
      #"{"alg":"EdDSA","kid":"","typ":"pbxlink-membership+jws"}"#,
      #"{"alg":"EdDSA","kid":"KID","typ":"pbxlink-+jws"}"#,
      #"{"alg":"EdDSA","kid":"KID","typ":"JWT"}"#,
      #"{"alg":"EdDSA","kid":"KID","typ":"pbxlink-membership+jws","#,
      "",
    ])
  func headers(_ template: String) throws {
    let thumbprint = mesh.authority.publicKey.thumbprint(using: mesh.cryptography)
    let header = template.replacing("KID", with: thumbprint)
    let input = Base64URL.encode(header.utf8) + "." + Base64URL.encode(#"{"a":1}"#.utf8)
    let signed = input + "." + Base64URL.encode(try mesh.authority.sign(Array(input.utf8)))
    #expect(throws: DocumentError.badHeader) { try verify(signed) }
  }

  @Test("each refusal has its own error")
  func errors() throws {
    let other = try FakeSigner("another authority")
    let foreign = try JWS.sign(payload: [], kind: .membership, by: other, using: mesh.cryptography)
    #expect(
      throws: DocumentError.unknownSigner(
        kind: .membership, keyID: other.publicKey.thumbprint(using: mesh.cryptography))
    ) { try verify(foreign) }
    #expect(throws: DocumentError.wrongKind(found: "membership", expected: "descriptor")) {
      try verify(text, kind: .descriptor)
    }
    #expect(throws: DocumentError.tooLarge(bytes: 16_385)) {
      try verify(String(repeating: "A", count: 16_385))
    }
    #expect(throws: DocumentError.notJWS(reason: "1 parts between dots, 3 expected")) {
      try verify(String(repeating: "A", count: 16_384))
    }
    #expect(throws: DocumentError.notJWS(reason: "1 parts between dots, 3 expected")) { try verify("") }
    let parts = text.split(separator: ".")
    let unsigned = parts[0] + "." + parts[1] + "."
    #expect(throws: DocumentError.badSignature(kind: .membership)) { try verify(String(unsigned)) }
  }

  @Test("a document over the limit is not signed, one below is")
  func signingLimit() throws {
    let sign = { count in
      try JWS.sign(
        payload: Array(repeating: 0, count: count), kind: .descriptor, by: mesh.authority,
        using: mesh.cryptography)
    }
    #expect(try sign(12_000).utf8.count < JWS.sizeLimit)
    #expect(throws: DocumentError.self) { try sign(12_289) }
  }
}

@Suite("Strict Ed25519")
struct Ed25519Tests {
  /// Believes everything, so that only the strict tests before it can refuse.
  struct Credulous: Cryptography {
    func sha256(_ bytes: [UInt8]) -> [UInt8] { FakeCryptography().sha256(bytes) }
    func isValid(signature: [UInt8], of message: [UInt8], by key: PublicKey) -> Bool { true }
  }

  /// Signs with whatever key and signature the test gives.
  struct Puppet: Signer {
    let publicKey: PublicKey
    let signature: [UInt8]
    func sign(_ message: [UInt8]) -> [UInt8] { signature }
  }

  private func verify(_ signer: Puppet) throws -> [UInt8] {
    let text = try JWS.sign(payload: [1], kind: .descriptor, by: signer, using: Credulous())
    return try JWS.verify(text, kind: .descriptor, by: signer.publicKey, using: Credulous())
  }

  /// L in RFC 8032 §5.1, little-endian, plus a small number.
  private func scalar(orderPlus difference: Int) -> [UInt8] {
    var order: [UInt8] = [
      0xed, 0xd3, 0xf5, 0x5c, 0x1a, 0x63, 0x12, 0x58, 0xd6, 0x9c, 0xf7, 0xa2, 0xde, 0xf9, 0xde, 0x14,
    ]
    order += Array(repeating: 0, count: 15) + [0x10]
    order[0] = UInt8(Int(order[0]) + difference)
    return order
  }

  @Test("S below L passes; L and above are refused", arguments: [(-1, true), (0, false), (1, false)])
  func scalarRange(_ difference: Int, _ isAccepted: Bool) throws {
    let signer = Puppet(
      publicKey: try FakeSigner("any").publicKey,
      signature: Array(repeating: 0, count: 32) + scalar(orderPlus: difference))
    if isAccepted {
      #expect(try verify(signer) == [1])
    } else {
      #expect(throws: DocumentError.badSignature(kind: .descriptor)) { try verify(signer) }
    }
  }

  @Test("signatures of another length are refused", arguments: [0, 32, 63, 65])
  func length(_ count: Int) throws {
    let signer = Puppet(
      publicKey: try FakeSigner("any").publicKey, signature: Array(repeating: 0, count: count))
    #expect(throws: DocumentError.badSignature(kind: .descriptor)) { try verify(signer) }
  }

  @Test(
    "keys of small order and non-canonical keys are refused, with either sign",
    arguments: [
      "0000000000000000000000000000000000000000000000000000000000000000",
      "0100000000000000000000000000000000000000000000000000000000000000",
      "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
      "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05",
      "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a",
      "edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
      "eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
      "ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
    ], [UInt8(0), 0x80])
  func weakKeys(_ hex: String, _ sign: UInt8) throws {
    var bytes = stride(from: 0, to: 64, by: 2).compactMap { UInt8(hex.dropFirst($0).prefix(2), radix: 16) }
    bytes[31] |= sign
    let key = try #require(PublicKey(bytes: bytes))
    let signer = Puppet(publicKey: key, signature: Array(repeating: 0, count: 64))
    #expect(throws: DocumentError.weakKey(key)) { try verify(signer) }
  }
}
