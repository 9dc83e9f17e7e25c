// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: pbxlink contributors

import Testing

@testable import PBXLinkCore

@Suite("Documents in canonical form")
struct CanonicalReaderTests {
  let mesh: SampleMesh

  init() throws { mesh = try SampleMesh() }

  private func descriptor(_ random: inout SplitMix64) throws -> Descriptor {
    let membership = try mesh.membership("lyon", number: 3)
    let serial = UInt64.random(in: 1..<1 << 53, using: &random)
    var descriptor = try mesh.descriptor(of: membership, serial: serial)
    if Bool.random(using: &random) { descriptor.openvpn = nil }
    if Bool.random(using: &random) { descriptor.addresses = membership.addresses }
    if Bool.random(using: &random) { descriptor.previous = mesh.authority.publicKey.description }
    if Bool.random(using: &random) { descriptor.wireguard.nextPublicKey = mesh.authority.publicKey }
    if Bool.random(using: &random) { descriptor.wireguard.endpoints = [] }
    descriptor.trunk.encryption = Bool.random(using: &random)
    return descriptor
  }

  private func membership(_ random: inout SplitMix64) throws -> Membership {
    var membership = try mesh.membership("lyon", number: UInt8.random(in: 2...8, using: &random))
    if Bool.random(using: &random) { membership.admittedBy = membership.site }
    if Bool.random(using: &random) { membership.inviter = "a.b.c" }
    if Bool.random(using: &random) { membership.roles = [] }
    return membership
  }

  @Test("what is written is read without a decoder, and as it was", arguments: UInt64(0)..<50)
  func written(seed: UInt64) throws {
    var random = SplitMix64(seed: seed)
    let (descriptor, membership) = (try descriptor(&random), try membership(&random))
    #expect(try CanonicalReader.read(descriptor.payload(), Descriptor.init) == descriptor)
    #expect(try CanonicalReader.read(membership.payload(), Membership.init) == membership)
  }

  @Test("whatever it reads, a decoder reads as the same", arguments: UInt64(0)..<50)
  func spoilt(seed: UInt64) throws {
    var random = SplitMix64(seed: seed)
    let texts = (try descriptor(&random).payload(), try membership(&random).payload())
    for _ in 0..<400 {
      let descriptor = spoil(texts.0, &random)
      if let read = try? CanonicalReader.read(descriptor, Descriptor.init) {
        let decoded: Descriptor = try decodePayload(descriptor, kind: .descriptor)
        #expect(read == decoded)
      }
      let membership = spoil(texts.1, &random)
      if let read = try? CanonicalReader.read(membership, Membership.init) {
        let decoded: Membership = try decodePayload(membership, kind: .membership)
        #expect(read == decoded)
      }
    }
  }

  /// With one byte more, less or other.
  private func spoil(_ text: [UInt8], _ random: inout SplitMix64) -> [UInt8] {
    var text = text
    let letters = Array("{}[]\",:\\ 0123456789-eE.tfnux".utf8) + [0, 0x0a, 0x1f, 0x7f, 0xc3, 0xff]
    let letter = letters.randomElement(using: &random) ?? 0
    let index = Int.random(in: text.indices, using: &random)
    switch Int.random(in: 0..<3, using: &random) {
    case 0: text.remove(at: index)
    case 1: text.insert(letter, at: index)
    default: text[index] = letter
    }
    return text
  }
}
