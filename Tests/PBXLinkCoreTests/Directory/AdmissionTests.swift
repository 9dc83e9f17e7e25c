// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: pbxlink contributors

import PBXLinkCore
import Testing

@Suite("Admission")
struct AdmissionTests {
  let mesh: SampleMesh
  let directory: Directory

  init() throws {
    mesh = try SampleMesh()
    var directory = Directory(mesh: mesh.identity)
    _ = try directory.merge(mesh.sign(mesh.membership("lyon", number: 2)), using: mesh.cryptography)
    _ = try directory.merge(mesh.sign(mesh.revocations(["gone"], serial: 1)), using: mesh.cryptography)
    self.directory = directory
  }

  private func admission(
    _ site: String, _ extensions: String, address: String = "10.77.0.9", identity: String? = nil
  ) throws -> Admission {
    Admission(
      site: try #require(SiteName(site)), identity: try identity.map { try FakeSigner($0).publicKey },
      addresses: [try #require(IPAddress(address))], extensions: [try #require(ExtensionPattern(extensions))])
  }

  @Test("a site with a new name, address and extensions is admitted, and a renewal of the same site too")
  func admitted() throws {
    #expect(directory.admissionError(for: try admission("oslo", "3XX")) == nil)
    let renewal = try admission("lyon", "2XX", address: "10.77.0.2", identity: "lyon")
    #expect(directory.admissionError(for: renewal) == nil)
  }

  @Test("each refusal names what stands in the way")
  func refusals() throws {
    let lyon = try #require(SiteName("lyon"))
    let (wide, part) = (try #require(ExtensionPattern("2XX")), try #require(ExtensionPattern("21X")))
    #expect(directory.admissionError(for: try admission("lyon", "3XX")) == .nameTaken(lyon))
    #expect(directory.admissionError(for: try admission("lyon", "3XX", identity: "x")) == .nameTaken(lyon))
    #expect(
      directory.admissionError(for: try admission("oslo", "3XX", identity: "lyon"))
        == .identityTaken(by: lyon))
    #expect(
      directory.admissionError(for: try admission("oslo", "3XX", identity: "gone"))
        == .identityRevoked(try #require(SiteName("gone"))))
    #expect(
      directory.admissionError(for: try admission("oslo", "21X"))
        == .extensionsOverlap(part, wide, of: lyon))
    let address = try #require(IPAddress("10.77.0.2"))
    #expect(
      directory.admissionError(for: try admission("oslo", "3XX", address: "10.77.0.2"))
        == .addressTaken(address, by: lyon))
  }

  @Test("emergency numbers, the site's own too, are refused with what to write instead")
  func emergency() throws {
    let builtIn = try #require(directory.admissionError(for: try admission("oslo", "91X")))
    #expect(builtIn.description.contains("911") && builtIn.description.contains("91[02-9]"))
    let own = try #require(
      directory.admissionError(
        for: try admission("oslo", "3XX"), emergencyNumbers: try EmergencyNumbers(adding: ["333"])))
    #expect(own.description.contains("333"))
  }

  @Test("open invitations keep their name, extensions and addresses")
  func openInvitations() throws {
    let open = [try admission("oslo", "3XX", address: "10.77.0.9")]
    let oslo = open[0].site
    #expect(
      directory.admissionError(for: try admission("oslo", "4XX", address: "10.77.0.8"), besides: open)
        == .nameInvited(oslo))
    #expect(
      directory.admissionError(for: try admission("rome", "33X", address: "10.77.0.8"), besides: open)
        == .extensionsOverlap(try #require(ExtensionPattern("33X")), open[0].extensions[0], of: oslo))
    #expect(
      directory.admissionError(for: try admission("rome", "4XX"), besides: open)
        == .addressTaken(open[0].addresses[0], by: oslo))
    #expect(
      directory.admissionError(for: try admission("rome", "4XX", address: "10.77.0.8"), besides: open) == nil)
  }
}
