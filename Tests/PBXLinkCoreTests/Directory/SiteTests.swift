// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: pbxlink contributors

import PBXLinkCore
import Testing

@Suite("Sites of a directory")
struct SiteTests {
  let mesh: SampleMesh
  let now = SampleMesh.now

  init() throws { mesh = try SampleMesh() }

  private func directory(of documents: String...) throws -> Directory {
    var directory = Directory(mesh: mesh.identity)
    for document in documents { _ = try directory.merge(document, using: mesh.cryptography) }
    return directory
  }

  @Test("expiry and a wrong clock are shown and remove nothing")
  func expiry() throws {
    let membership = try mesh.membership("lyon", number: 2)
    let directory = try directory(of: mesh.sign(mesh.descriptor(of: membership), by: "lyon"))
    let flags = { (moment: Timestamp) in
      directory.sites(at: moment).map { [$0.isNotYetValid, $0.isDescriptorExpired, $0.isMembershipExpired] }
    }
    #expect(flags(now + -1) == [[true, false, false]])
    #expect(flags(now) == [[false, false, false]])
    #expect(flags(now + 3600) == [[false, true, false]])
    #expect(flags(now + 86_400) == [[false, true, true]])
    #expect(directory.sites(at: now + 86_400).map(\.isExpired) == [true])
  }

  @Test("what is remembered of the sites is what a directory asked for the first time says, at any moment")
  func remembered() throws {
    let lyon = try mesh.membership("lyon", number: 2)
    let oslo = try mesh.membership("oslo", number: 3, notBefore: now + 100, extensions: ["5XX"])
    let documents = [
      try mesh.sign(mesh.descriptor(of: lyon), by: "lyon"), try mesh.sign(oslo),
      try mesh.sign(mesh.membership("nice", number: 4, extensions: ["2XX"])),
    ]
    var random = SplitMix64(seed: 5)
    var directory = try directory()
    for known in 1...documents.count {
      _ = try directory.merge(documents[known - 1], using: mesh.cryptography)
      for _ in 0..<50 {
        let moment = now + Int64.random(in: -200...90_000, using: &random)
        let numbers =
          Bool.random(using: &random) ? EmergencyNumbers.standard : try EmergencyNumbers(adding: ["411"])
        var fresh = Directory(mesh: mesh.identity)
        for document in documents.prefix(known) { _ = try fresh.merge(document, using: mesh.cryptography) }
        #expect(
          directory.sites(at: moment, emergencyNumbers: numbers)
            == fresh.sites(at: moment, emergencyNumbers: numbers))
      }
    }
  }

  @Test("a member without a descriptor is listed")
  func pending() throws {
    let site = try #require(
      directory(of: mesh.sign(mesh.membership("lyon", number: 2))).sites(at: now).first)
    #expect(site.descriptor == nil && site.extensions.isEmpty && site.conflict == nil)
  }

  @Test("extensions beyond the newest membership and local emergency numbers are withheld")
  func withheld() throws {
    let old = try mesh.membership("lyon", number: 2, extensions: ["2XX", "31X", "4XX"])
    let new = try mesh.membership("lyon", number: 2, serial: 2, extensions: ["2XX", "4XX"])
    let directory = try directory(of: mesh.sign(mesh.descriptor(of: old), by: "lyon"), mesh.sign(new))
    let emergencyNumbers = try EmergencyNumbers(adding: ["411"])
    let site = try #require(directory.sites(at: now, emergencyNumbers: emergencyNumbers).first)
    #expect(site.extensions.map(\.description) == ["2XX"])
    #expect(Set(site.withheldExtensions.map(\.description)) == ["31X", "4XX"])
  }

  @Test("of two overlapping sites the one admitted later is shown but not to be linked")
  func overlap() throws {
    let older = try mesh.sign(mesh.membership("oslo", number: 3, extensions: ["2[0-4]X"]))
    let newer = try mesh.sign(mesh.membership("lyon", number: 2, notBefore: now + 1))
    let sites = try directory(of: newer, older).sites(at: now)
    #expect(sites.map(\.name.description) == ["lyon", "oslo"])
    let conflict = try #require(sites[0].conflict)
    #expect(conflict.contains("2XX") && conflict.contains("2[0-4]X") && conflict.contains("'oslo'"))
    #expect(sites[1].conflict == nil)
  }

  @Test(
    "two sites that share an address or an identity are not both linked, but a copied tunnel key puts nobody out"
  )
  func sharedThings() throws {
    let address = try directory(
      of: mesh.sign(mesh.membership("lyon", number: 2)),
      mesh.sign(mesh.membership("oslo", number: 2, notBefore: now + 1, extensions: ["3XX"])))
    #expect(address.sites(at: now).map { $0.conflict?.contains("10.77.0.2") } == [nil, true])

    let (lyon, oslo) = (
      try mesh.membership("lyon", number: 2), try mesh.membership("oslo", number: 3, notBefore: now + 1)
    )
    var thief = try mesh.descriptor(of: oslo)
    thief.wireguard.publicKey = try mesh.descriptor(of: lyon).wireguard.publicKey
    let key = try directory(
      of: mesh.sign(mesh.descriptor(of: lyon), by: "lyon"), mesh.sign(thief, by: "oslo"))
    #expect(key.sites(at: now).map(\.conflict) == [nil, nil])

    let identity = try directory(
      of: mesh.sign(lyon),
      mesh.sign(mesh.membership("rome", number: 4, identity: "lyon", notBefore: now + 1)))
    #expect(identity.sites(at: now).map { $0.conflict?.contains("identity") } == [nil, true])
  }

  @Test("a site that is not linked blocks nobody, and revoking the winner links the other")
  func losersBlockNobody() throws {
    let first = try mesh.sign(mesh.membership("lyon", number: 2))
    let loser = try mesh.sign(
      mesh.membership("oslo", number: 3, notBefore: now + 1, extensions: ["2XX", "5XX"]))
    let third = try mesh.sign(mesh.membership("rome", number: 5, notBefore: now + 2))
    var directory = try directory(of: third, loser, first)
    #expect(directory.sites(at: now).map { $0.conflict == nil } == [true, false, true])
    _ = try directory.merge(mesh.sign(mesh.revocations(["lyon"], serial: 1)), using: mesh.cryptography)
    #expect(directory.sites(at: now).map { $0.conflict == nil } == [true, false])
  }
}
