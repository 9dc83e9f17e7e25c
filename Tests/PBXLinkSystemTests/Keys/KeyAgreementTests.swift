// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: pbxlink contributors

import PBXLinkCore
import PBXLinkSystem
import Testing

@Suite("Key agreement by OpenSSL")
struct KeyAgreementTests {
  let alice: X25519PrivateKey
  let bob: X25519PrivateKey

  /// The keys of RFC 7748 §6.1.
  init() throws {
    alice = try X25519PrivateKey(
      Secret(bytes("77076d0a7318a57d3c16c17251b26645df4c2f87ebc0992ab177fba51db92c2a")))
    bob = try X25519PrivateKey(
      Secret(bytes("5dab087e624a8a4b79e17f8b83800ee66f3bb1292618b6fd1c2f8b27ff88e0eb")))
  }

  @Test("both ends of RFC 7748 §6.1 come to its secret")
  func rfc7748() throws {
    let shared = bytes("4a5d9d5ba4ce2de1728e3bf480350f25e07e21c947d19e3376f09b3c1e161742")
    #expect(
      alice.publicKey.bytes == bytes("8520f0098930a754748b7ddcb43ef75a0dbf3a0d26381af4eba4a98eaa9b4e6a"))
    #expect(
      bob.publicKey.bytes == bytes("de9edb7d7b7dc1b4d35b61c2ece435373f8343c85b78674dadfc7e146f882b4f"))
    #expect(try alice.sharedSecret(with: bob.publicKey).exposedBytes == shared)
    #expect(try bob.sharedSecret(with: alice.publicKey).exposedBytes == shared)
  }

  @Test(
    "keys that give everyone the same secret are refused",
    arguments: [
      "0000000000000000000000000000000000000000000000000000000000000000",
      "0100000000000000000000000000000000000000000000000000000000000000",
      "e0eb7a7c3b41b8ae1656e3faf19fc46ada098deb9c32b1fd866205165f49b800",
      "5f9c95bca3508c24b1d0b1559c83ef5b04445cc4581c8e86d8224eddd09f1157",
      "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
    ])
  func weakKeys(_ hex: String) throws {
    let weak = try #require(PublicKey(bytes: bytes(hex)))
    #expect(throws: CryptographyError.weakPublicKey(weak)) { try alice.sharedSecret(with: weak) }
  }

  @Test("private keys of another length are refused", arguments: [0, 31, 33, 64])
  func keyLength(_ count: Int) {
    let secret = Secret(Array(repeating: 1, count: count))
    #expect(throws: CryptographyError.wrongKeyLength(count)) { try X25519PrivateKey(secret) }
    #expect(throws: CryptographyError.wrongKeyLength(count)) { try Ed25519PrivateKey(secret) }
  }

  @Test("new keys differ and are clamped as 'wg genkey' does it")
  func generate() throws {
    let (one, two) = (try X25519PrivateKey.generate(), try X25519PrivateKey.generate())
    #expect(one.rawSecret != two.rawSecret)
    #expect(try X25519PrivateKey(one.rawSecret).publicKey == one.publicKey)
    let key = one.rawSecret.exposedBytes
    #expect(key[0] & 7 == 0 && key[31] & 0xc0 == 0x40)
    #expect(try RandomBytes.secret(16).exposedBytes.count == 16)
  }

  @Test("the vectors of RFC 5869 appendix A for SHA-256 come out")
  func rfc5869() throws {
    let first = try HKDF.sha256(
      Secret(Array(repeating: 0x0b, count: 22)), salt: bytes("000102030405060708090a0b0c"),
      info: bytes("f0f1f2f3f4f5f6f7f8f9"), length: 42)
    #expect(
      first.exposedHex
        == "3cb25f25faacd57a90434f64d0362f2a2d2d0a90cf1a5a4c5db02d56ecc4c5bf34007208d5b887185865")
    let second = try HKDF.sha256(
      Secret(0x00...0x4f), salt: Array(0x60...0xaf), info: Array(0xb0...0xff), length: 82)
    #expect(
      second.exposedHex
        == "b11e398dc80327a1c8e7f78c596a49344f012eda2d4efad8a050cc4c19afa97c"
        + "59045a99cac7827271cb41c65e590e09da3275600c2f09b8367793a9aca3db71"
        + "cc30c58179ec3e87c14c01d5c1f3434f1d87")
    let third = try HKDF.sha256(
      Secret(Array(repeating: 0x0b, count: 22)), info: [], length: 42)
    #expect(
      third.exposedHex
        == "8da4e775a563c18f715f802a063c5a31b8a11f5c5ee1879ec3454e5f3c738d2d9d201395faa4b61a96c8")
    #expect(throws: CryptographyError.self) {
      try HKDF.sha256(Secret([1]), info: [], length: 255 * 32 + 1)
    }
  }

  private func direction(
    mesh: String = "acme", from caller: String = "lyon", to callee: String = "oslo",
    generations: (UInt32, UInt32) = (1, 1)
  ) throws -> TrunkDirection {
    TrunkDirection(
      mesh: try #require(MeshName(mesh)), caller: try #require(SiteName(caller)),
      callee: try #require(SiteName(callee)), callerGeneration: generations.0, calleeGeneration: generations.1
    )
  }

  @Test("both ends of a trunk derive the same secret, another for each direction, mesh and generation")
  func trunkSecrets() throws {
    let lyon = X25519TrunkKey(generation: 1, alice)
    let oslo = X25519TrunkKey(generation: 1, bob)
    let directions = try [
      direction(), direction(from: "oslo", to: "lyon"), direction(mesh: "other"), direction(to: "rome"),
      direction(generations: (2, 1)), direction(generations: (1, 2)), direction(generations: (11, 1)),
      direction(generations: (1, 11)),
    ]
    let secrets = try directions.map { try lyon.secret(for: $0, with: oslo.publicKey) }
    #expect(try directions.map { try oslo.secret(for: $0, with: lyon.publicKey) } == secrets)
    #expect(Set(secrets).count == directions.count)
    #expect(secrets.map(\.exposedBytes.count) == Array(repeating: 32, count: directions.count))
  }

  @Test("the derivation stays what sites of other versions expect")
  func trunkSecretVector() throws {
    let secret = try X25519TrunkKey(generation: 1, alice).secret(for: direction(), with: bob.publicKey)
    #expect(secret.exposedHex == "e683031216d5463ebd5a84c4affe9a500496096ecc20e7612f0aea7f502f2274")
  }
}
