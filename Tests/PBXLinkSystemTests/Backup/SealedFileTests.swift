// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: pbxlink contributors

import FoundationEssentials
import PBXLinkCore
import Testing

@testable import PBXLinkSystem

@Suite("Sealed files")
struct SealedFileTests {
  private static let passphrase = Passphrase("correct horse battery")
  private static let content = Array("a secret of 27 bytes, or so".utf8)
  /// The least that a file may ask for.
  private static let cheap = ScryptCost(n: 1 << 14, r: 8, p: 1)

  private static func sealed() throws -> [UInt8] {
    try SealedFile.seal(content, as: .authority, with: passphrase, cost: cheap)
  }

  private static func open(
    _ file: [UInt8], as kind: SealedFile.Kind = .authority, with passphrase: Passphrase = passphrase
  ) throws -> [UInt8] {
    try SealedFile.open(file, as: kind, with: passphrase, path: "f")
  }

  private static func bytes(_ hex: String) -> [UInt8] {
    let digits = hex.compactMap { UInt8(String($0), radix: 16) }
    return stride(from: 0, to: digits.count, by: 2).map { digits[$0] << 4 | digits[$0 + 1] }
  }

  @Test("scrypt gives what RFC 7914 section 12 says")
  func scrypt() throws {
    let key = try Scrypt.derive(
      Secret(Array("pleaseletmein".utf8)), salt: Array("SodiumChloride".utf8), Self.cheap, length: 64)
    #expect(
      key.exposedHex
        == "7023bdcb3afd7348461c06cd81fd38ebfda8fbba904f8e3ea9b543f6545da1f2"
        + "d5432955613f0fcf62d49705242a9af9e61e85dc0d651e40dfcf017b45575887")
  }

  @Test("AES-256-GCM gives what test case 16 of its specification says")
  func galoisCounterMode() throws {
    let key = Secret(Self.bytes("feffe9928665731c6d6a8f9467308308feffe9928665731c6d6a8f9467308308"))
    let nonce = Self.bytes("cafebabefacedbaddecaf888")
    let header = Self.bytes("feedfacedeadbeeffeedfacedeadbeefabaddad2")
    let content = Self.bytes(
      "d9313225f88406e5a55909c5aff5269a86a7a9531534f7da2e4c303d8a318a721c3c0c95956809532fcf0e2449a6b525"
        + "b16aedf5aa0de657ba637b39")
    let sealed = Self.bytes(
      "522dc1f099567d07f47f37a32a84427d643a8cdcbfe5c0c97598a2bd2555d1aa8cb08e48590dbb3da7b08b1056828838"
        + "c5f61e6393ba7a0abcc9f66276fc6ece0f4e1768cddf8853bb2d551b")
    #expect(
      try AES256GCM.seal(content, key: key, nonce: nonce, authenticating: header) == sealed)
    #expect(try AES256GCM.open(sealed, key: key, nonce: nonce, authenticating: header) == content)
    #expect(try AES256GCM.open(sealed, key: key, nonce: nonce, authenticating: []) == nil)
  }

  @Test("the pass phrase gives the content back, and no two files are the same")
  func roundTrip() throws {
    let file = try Self.sealed()
    #expect(try Self.open(file) == Self.content)
    #expect(try Self.sealed() != file)
    #expect(!String(decoding: file, as: UTF8.self).contains("secret"))
    let empty = try SealedFile.seal([], as: .backup, with: Self.passphrase)
    #expect(try Self.open(empty, as: .backup).isEmpty, "at the standard cost too")
  }

  @Test("another pass phrase, another kind and another version are told apart")
  func refusals() throws {
    let file = try Self.sealed()
    #expect(throws: SealedFileError.wrongPassphrase(path: "f")) {
      try Self.open(file, with: Passphrase("correct horse batterz"))
    }
    #expect(throws: SealedFileError.wrongKind(path: "f", found: "authority", expected: "backup")) {
      try Self.open(file, as: .backup)
    }
    var newer = file
    newer[SealedFile.magic.utf8.count] = 0x32
    #expect(throws: SealedFileError.newer(path: "f")) { try Self.open(newer) }
    #expect(throws: SealedFileError.notSealed(path: "f")) { try Self.open(Array("PK and more".utf8)) }
    #expect(throws: SealedFileError.notSealed(path: "f")) { try Self.open([]) }
    #expect(throws: SealedFileError.altered(path: "f")) { try Self.open(file + [0]) }
  }

  @Test("a file that is cut off anywhere opens nowhere", arguments: 0..<20)
  func truncated(seed: UInt64) throws {
    var random = SplitMix64(seed: seed)
    let file = try Self.sealed()
    let length = Int.random(in: SealedFile.magic.utf8.count..<file.count, using: &random)
    let error = #expect(throws: SealedFileError.self) { try Self.open(Array(file.prefix(length))) }
    guard case .truncated = error else {
      Issue.record("\(length) of \(file.count) bytes: \(String(describing: error))")
      return
    }
  }

  @Test("a file altered anywhere opens nowhere", arguments: 0..<50)
  func altered(seed: UInt64) throws {
    var random = SplitMix64(seed: seed)
    var file = try Self.sealed()
    let place = Int.random(in: 0..<file.count, using: &random)
    file[place] ^= UInt8.random(in: 1...255, using: &random)
    let error = #expect(throws: SealedFileError.self) { try Self.open(file) }
    let sealedLength = Self.content.count + AES256GCM.tagLength
    if place >= file.count - sealedLength { #expect(error == .altered(path: "f")) }
  }

  @Test(
    "a file that asks for too much or too little is refused before anything is computed",
    arguments: [
      ScryptCost(n: 1 << 20, r: 32, p: 1), .init(n: 1 << 62, r: 8, p: 1), .init(n: 3 << 14, r: 1, p: 1),
      .init(n: 1 << 14, r: 0, p: 1), .init(n: 1 << 14, r: 8, p: 1 << 40), .init(n: 1 << 10, r: 8, p: 1),
      .init(n: 1 << 18, r: 8, p: 16),
    ])
  func costs(cost: ScryptCost) throws {
    var lines = try Self.sealed().split(separator: 0x0a, maxSplits: 2)
    var header = try JSONDecoder().decode(SealedFile.Header.self, from: Data(lines[1]))
    (header.n, header.r, header.p) = (cost.n, cost.r, cost.p)
    lines[1] = Array(try JSONEncoder().encode(header))[...]
    #expect(throws: SealedFileError.badHeader(path: "f")) {
      try Self.open(Array(lines.joined(separator: [0x0a])))
    }
  }
}
