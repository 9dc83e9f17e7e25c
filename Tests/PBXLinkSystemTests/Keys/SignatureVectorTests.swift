// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: pbxlink contributors

import PBXLinkCore
import PBXLinkSystem
import Testing

/// The bytes of hexadecimal text.
func bytes(_ hex: String) -> [UInt8] {
  stride(from: 0, to: hex.utf8.count, by: 2).compactMap { UInt8(hex.dropFirst($0).prefix(2), radix: 16) }
}

@Suite("Signatures by OpenSSL")
struct SignatureVectorTests {
  let cryptography = OpenSSLCryptography()

  struct Vector: Sendable {
    let name: String
    let secret: String
    let publicKey: String
    let message: String
    let signature: String
  }

  @Test(
    "the vectors of RFC 8032 §7.1 sign and verify",
    arguments: [
      Vector(
        name: "1", secret: "9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60",
        publicKey: "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a", message: "",
        signature: "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555"
          + "fb8821590a33bacc61e39701cf9b46bd25bf5f0595bbe24655141438e7a100b"),
      Vector(
        name: "2", secret: "4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb",
        publicKey: "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c", message: "72",
        signature: "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da"
          + "085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00"),
      Vector(
        name: "3", secret: "c5aa8df43f9f837bedb7442f31dcb7b166d38535076f094b85ce3a2e0b4458f7",
        publicKey: "fc51cd8e6218a1a38da47ed00230f0580816ed13ba3303ac5deb911548908025", message: "af82",
        signature: "6291d657deec24024827e69c3abe01a30ce548a284743a445e3680d7db5ac3ac"
          + "18ff9b538d16f290ae67f760984dc6594a7c15e9716ed28dc027beceea1ec40a"),
      Vector(
        name: "SHA(abc)", secret: "833fe62409237b9d62ec77587520911e9a759cec1d19755b7da901b96dca3d42",
        publicKey: "ec172b93ad5e563bf4932c70e1245034c35467ef2efd4d64ebf819683467e2bf",
        message: "ddaf35a193617abacc417349ae20413112e6fa4e89a97ea20a9eeee64b55d39a"
          + "2192992a274fc1a836ba3c23a3feebbd454d4423643ce80e2a9ac94fa54ca49f",
        signature: "dc2a4459e7369633a52b1bf277839a00201009a3efbf3ecb69bea2186c26b589"
          + "09351fc9ac90b3ecfdfbc7c66431e0303dca179c138ac17ad9bef1177331a704"),
    ])
  func rfc8032(_ vector: Vector) throws {
    let key = try Ed25519PrivateKey(Secret(bytes(vector.secret)))
    #expect(key.publicKey.bytes == bytes(vector.publicKey))
    let message = bytes(vector.message)
    let signature = try key.sign(message)
    #expect(signature == bytes(vector.signature))
    #expect(cryptography.isValid(signature: signature, of: message, by: key.publicKey))
    #expect(!cryptography.isValid(signature: signature, of: message + [0], by: key.publicKey))
    for index in signature.indices {
      var wrong = signature
      wrong[index] ^= 1
      #expect(!cryptography.isValid(signature: wrong, of: message, by: key.publicKey))
    }
  }

  @Test("the key, thumbprint and JWS of RFC 8037 appendix A come out")
  func rfc8037() throws {
    let secret = try #require(Base64URL.decode("nWGxne_9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A"))
    let key = try Ed25519PrivateKey(Secret(secret))
    #expect(key.publicKey.description == "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo")
    #expect(key.publicKey.thumbprint(using: cryptography) == "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k")
    let input = Array("eyJhbGciOiJFZERTQSJ9.RXhhbXBsZSBvZiBFZDI1NTE5IHNpZ25pbmc".utf8)
    let signature = try key.sign(input)
    #expect(
      Base64URL.encode(signature)
        == "hgyY0il_MGCjP0JzlnLWG1PPOt7-09PGcvMg3AIbQR6dWbhijcNR4ki4iylGjg5BhVsPt9g7sVvpAr_MuM0KAg")
    #expect(cryptography.isValid(signature: signature, of: input, by: key.publicKey))
  }

  @Test("SHA-256 of nothing and of 'abc' (FIPS 180-4 examples)")
  func sha256() {
    #expect(
      cryptography.sha256([])
        == bytes("e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"))
    #expect(
      cryptography.sha256(Array("abc".utf8))
        == bytes("ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"))
  }

  @Test("what OpenSSL lets pass under a key of small order, a document does not")
  func smallOrderKey() throws {
    let neutral = [1] + [UInt8](repeating: 0, count: 31)
    let key = try #require(PublicKey(bytes: neutral))
    let universal = neutral + [UInt8](repeating: 0, count: 32)
    #expect(cryptography.isValid(signature: universal, of: [1, 2, 3], by: key), "the reason for the rule")
    struct Forger: Signer {
      let publicKey: PublicKey
      let signature: [UInt8]
      func sign(_ message: [UInt8]) -> [UInt8] { signature }
    }
    let text = try JWS.sign(
      payload: [], kind: .descriptor, by: Forger(publicKey: key, signature: universal), using: cryptography)
    #expect(throws: DocumentError.weakKey(key)) {
      try JWS.verify(text, kind: .descriptor, by: key, using: cryptography)
    }
  }

  @Test("a document signed for real verifies, and with any byte of it flipped does not")
  func tampering() throws {
    let key = try Ed25519PrivateKey.generate()
    let text = try JWS.sign(
      payload: Array(#"{"a":1}"#.utf8), kind: .membership, by: key, using: cryptography)
    let verify = { (text: String) throws in
      try JWS.verify(text, kind: .membership, by: key.publicKey, using: cryptography)
    }
    #expect(try verify(text) == Array(#"{"a":1}"#.utf8))
    for index in text.utf8.indices {
      let letter = text[index] == "A" ? "B" : "A"
      let changed = text[..<index] + letter + text[text.index(after: index)...]
      #expect(throws: DocumentError.self) { try verify(String(changed)) }
    }
  }
}
