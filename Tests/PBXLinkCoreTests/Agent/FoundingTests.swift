// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: pbxlink contributors

import Testing

@testable import PBXLinkCore

@Suite("Founding a mesh")
struct FoundingTests {
  let offices = Offices()

  @Test("the first site admits and announces itself")
  func founds() throws {
    let (head, effects) = try offices.head()
    let own = try #require(head.ownSite(at: Offices.now))
    #expect(try own.name == offices.site("head"))
    #expect(own.membership.addresses.map(\.family) == [.v4, .v6])
    #expect(
      own.membership.addresses.allSatisfy { address in head.mesh.networks.contains { $0.contains(address) } })
    #expect(try own.extensions == offices.patterns(["6XX"]))
    #expect(own.membership.roles == [.inviter])
    #expect(own.descriptor?.wireguard.publicKey == head.keys.tunnel.publicKey)
    #expect(own.conflict == nil)
    #expect(effects.journal == [.meshCreated])
    #expect(effects.contains(.saveDocuments))
    #expect(effects.last == .reconcile)
    let desired = try head.desiredState(at: Offices.now)
    #expect(desired.tunnel.peers == [])
    #expect(desired.tunnel.addresses == own.membership.addresses.map(IPPrefix.init(host:)))
    #expect(desired.tunnel.routes == head.mesh.networks)
    #expect(desired.firewall.members == [])
    #expect(desired.trunk.peers == [])
    #expect(desired.trunk.managerSecret == head.keys.manager)
  }

  @Test("an authority key of another mesh, as a failed start leaves it, rules nothing here")
  func foreignAuthority() throws {
    var head = try offices.head().agent
    var lyon = try offices.join("lyon", ["2XX"], to: &head)
    let keys = try AgentKeys.fake("lyon", authority: "another")
    lyon = try Agent(
      mesh: lyon.mesh, configuration: lyon.configuration, keys: keys,
      documents: lyon.directory.allDocuments(),
      invitations: [], cryptography: offices.cryptography)
    #expect(lyon.keys.authority == nil)
    #expect(throws: AgentError.notAuthority(verb: "remove-site", holders: [head.mesh.site])) {
      try lyon.remove(head.mesh.site, reason: "", at: Offices.now)
    }
    #expect(throws: Never.self) { try lyon.handle(.configuration(lyon.configuration), at: Offices.now) }
  }

  @Test("what was saved gives the same agent again")
  func restarts() throws {
    let head = try offices.head().agent
    let again = try offices.restarted(head)
    #expect(again.directory == head.directory)
    #expect(try again.desiredState(at: Offices.now) == head.desiredState(at: Offices.now))
    #expect(throws: DocumentError.self) {
      let damaged = head.directory.allDocuments().map { String($0.dropLast(4)) + "AAAA" }
      _ = try Agent(
        mesh: head.mesh, configuration: head.configuration, keys: head.keys, documents: damaged,
        invitations: [],
        cryptography: offices.cryptography)
    }
  }

  @Test(
    "a network that the host is in, or of the wrong kind or size, is refused",
    arguments: [
      ("10.77.0.0/16", ["192.168.1.0/24", "10.77.3.0/24"]), ("10.77.0.0/16", ["10.0.0.0/8"]),
      ("fd00::/48", []), ("10.0.0.0/7", []), ("10.77.0.0/29", []),
    ])
  func network(network: String, local: [String]) throws {
    let prefix = try #require(IPPrefix(network))
    let error = #expect(throws: AgentError.self) {
      _ = try offices.head(network: network, localPrefixes: local)
    }
    guard case .networkUnsuitable(prefix, _) = error else {
      Issue.record("\(String(describing: error))")
      return
    }
  }

  @Test("neighbouring networks do not stand in the way")
  func neighbours() throws {
    #expect(throws: Never.self) {
      _ = try offices.head(localPrefixes: ["10.76.0.0/16", "10.78.0.0/16", "fd00::/8"])
    }
  }

  @Test("extensions that shadow an emergency number are refused", arguments: ["9XX", "112", "115"])
  func emergency(pattern: String) throws {
    var configuration = try offices.configuration(extensions: [pattern])
    configuration.numbers.emergency = try EmergencyNumbers(adding: ["115"])
    #expect(throws: AdmissionError.self) { _ = try offices.head(configuration: configuration) }
  }

  @Test("only who holds the authority key can found, invite, admit or revoke")
  func authority() throws {
    #expect(throws: AgentError.notAuthority(verb: "init")) { _ = try offices.head(authority: nil) }
    var head = try offices.head().agent
    var lyon = try offices.join("lyon", ["2XX"], to: &head)
    #expect(throws: AgentError.notAuthority(verb: "add-site", holders: [head.mesh.site])) {
      _ = try offices.invite("oslo", [], to: &lyon)
    }
    #expect(throws: AgentError.notAuthority(verb: "remove-site", holders: [head.mesh.site])) {
      _ = try lyon.remove(offices.site("head"), reason: "", at: Offices.now)
    }
  }
}
