// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: pbxlink contributors

import Testing

@testable import PBXLinkCore

@Suite("A mesh of 200 sites")
struct LargeMeshTests {
  let offices = Offices()
  let now = Offices.now

  @Test("every site links all others at addresses of their own, and a removed one is cut off everywhere")
  func whole() throws {
    var random = SplitMix64(seed: 200)
    var head = try offices.head().agent
    var observed: [Agent] = []
    for number in 1..<200 {
      let name = "site-\(number)"
      let invitation = try offices.invite(name, ["\(7000 + number)XX"], to: &head).invitation
      let answer = try offices.redeem(invitation, as: name, at: &head).answer
      // Most offices only have to be there; what they learn of the others comes later, to some of them.
      let own = JoinAnswer(membership: answer.membership, documents: [])
      let agent = try Agent.join(
        invitation, answer: own, configuration: offices.configuration(), keys: .fake(name),
        cryptography: offices.cryptography, at: now
      ).agent
      _ = head.receive(agent.directory.allDocuments(), from: agent.mesh.site, at: now)
      _ = try head.handle(.heard(agent.mesh.site), at: now)
      if number % 25 == 0 { observed.append(agent) }
    }
    observed.append(head)
    // Each learns a part from one, the rest from the next: anti-entropy is what makes them whole.
    let all = head.directory.allDocuments().shuffled(using: &random)
    for index in observed.indices {
      _ = observed[index].receive(Array(all.prefix(20 * (index + 1))), from: nil, at: now)
    }
    offices.exchange(&observed)
    for agent in observed {
      #expect(agent.directory == head.directory)
      let desired = try agent.desiredState(at: now)
      #expect(desired.tunnel.peers.count == 199)
      #expect(Set(desired.tunnel.peers.flatMap(\.allowedIPs)).count == 2 * 199)
      #expect(desired.firewall.members.count == 2 * 199)
      #expect(desired.trunk.peers.count == 199)
      #expect(desired.problems == [])
    }

    let gone = try offices.site("site-77")
    let list = try observed[observed.count - 1].remove(gone, reason: "closed", at: now).pushes[0].documents
    let rest = try observed.dropLast().map { agent in
      var agent = agent
      #expect(agent.receive(list, from: head.mesh.site, at: now).effects.hungUp == [gone])
      return try agent.desiredState(at: now)
    }
    for desired in rest {
      #expect(desired.tunnel.peers.count == 198)
      #expect(!desired.trunk.peers.contains { $0.site == gone })
    }
  }
}
