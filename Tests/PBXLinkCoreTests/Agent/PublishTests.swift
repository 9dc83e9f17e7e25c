// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: pbxlink contributors

import Testing

@testable import PBXLinkCore

@Suite("Announcing ourselves")
struct PublishTests {
  let offices = Offices()
  let now = Offices.now
  private static let halfLife = Agent.descriptorLifetime / 2

  private func serial(_ agent: Agent) -> UInt64? {
    agent.directory.descriptor(of: agent.identity)?.content.serial
  }

  @Test("a descriptor is signed when something changed, and at half its life")
  func renewal() throws {
    var head = try offices.head().agent
    #expect(serial(head) == 1)
    #expect(try head.handle(.tick, at: now + 10) == [])
    #expect(try head.handle(.configuration(head.configuration), at: now + 20) == [.reconcile])
    #expect(try head.handle(.tick, at: now + (Self.halfLife - 1)) == [])
    let renewed = try head.handle(.tick, at: now + Self.halfLife)
    #expect(
      renewed.map { if case .push = $0 { "push" } else { "\($0)" } } == [
        "saveDocuments", "reconcile", "push",
      ])
    #expect(serial(head) == 2)
    #expect(try head.handle(.tick, at: now + Self.halfLife + 10) == [])
    var configuration = head.configuration
    configuration.trunk.callLimit = 2
    let changed = try head.handle(.configuration(configuration), at: now + Self.halfLife + 20)
    #expect(
      changed.pushes.map(\.documents) == [[try #require(head.directory.descriptor(of: head.identity)).text]])
    #expect(serial(head) == 3)
    let chain = try #require(head.directory.descriptor(of: head.identity)).content
    #expect(chain.previous != nil)
    #expect(chain.trunk.callLimit == 2)
  }

  @Test("of two machines with one identity each is told of the other and answers more and more slowly")
  func lastingClones() throws {
    var head = try offices.head().agent
    var machines = [try offices.join("lyon", ["2XX"], to: &head)]
    machines.append(try offices.restarted(machines[0]))
    machines[1].configuration.trunk.callLimit = 3
    var told: [String] = []
    var published = [0, 0]
    for second in 0..<3_600 {
      let index = second % 2
      let effects = try machines[index].handle(.tick, at: now + Int64(second))
      published[index] += effects.pushes.count
      for case .journal(let entry) in effects { told.append(entry.text) }
      for push in effects.pushes {
        _ = machines[1 - index].receive(push.documents, from: head.mesh.site, at: now + Int64(second))
      }
    }
    #expect(published.allSatisfy { (2...8).contains($0) }, "\(published)")
    #expect(told.count >= 2 && Set(told).count == told.count)
    #expect(told.allSatisfy { $0.contains("another server signs as this site 'lyon'") })
  }

  @Test("a clock that is set back signs nothing and cuts nothing")
  func clock() throws {
    var head = try offices.head().agent
    let lyon = try offices.join("lyon", ["2XX"], to: &head)
    for jump in [-400 * 86_400, 3 * 365 * 86_400] as [Int64] {
      #expect(head.linkedSites(at: now + jump).map(\.name) == [lyon.mesh.site])
      #expect(try head.desiredState(at: now + jump).trunk == head.desiredState(at: now).trunk)
    }
    #expect(try head.handle(.tick, at: now + -400 * 86_400) == [])
  }

  @Test("the authority's own new extensions are granted unless another site has them")
  func ownExtensions() throws {
    var head = try offices.head().agent
    _ = try offices.join("lyon", ["2XX"], to: &head)
    let first = try #require(head.directory.membership(of: head.identity)).content
    var configuration = head.configuration
    configuration.numbers.extensions = try offices.patterns(["8XX", "6XX"])
    let effects = try head.handle(.configuration(configuration), at: now + 60)
    let second = try #require(head.directory.membership(of: head.identity)).content
    #expect(second.serial == first.serial + 1)
    #expect(try second.extensions == offices.patterns(["6XX", "8XX"]))
    #expect(
      (second.notBefore, second.addresses) == (first.notBefore, first.addresses), "first come stays first")
    #expect(head.ownSite(at: now)?.extensions == second.extensions)
    #expect(effects.pushes.count == 2)
    configuration.numbers.extensions = try offices.patterns(["20X"])
    var greedy = head
    #expect(throws: AdmissionError.self) {
      _ = try greedy.handle(.configuration(configuration), at: now + 120)
    }
  }

  @Test("a member announces what it was granted, or the part that its site file lists")
  func grantedExtensions() throws {
    var head = try offices.head().agent
    var lyon = try offices.join("lyon", ["2XX", "5XX"], to: &head)
    #expect(try lyon.ownSite(at: now)?.extensions == offices.patterns(["2XX", "5XX"]))
    var configuration = lyon.configuration
    configuration.numbers.extensions = try offices.patterns(["20X"])
    let effects = try lyon.handle(.configuration(configuration), at: now + 60)
    _ = head.receive(effects.pushes.flatMap(\.documents), from: lyon.mesh.site, at: now + 60)
    #expect(try head.desiredState(at: now).trunk.peers[0].extensions == offices.patterns(["20X"]))
    #expect(try lyon.desiredState(at: now).trunk.ownExtensions == offices.patterns(["20X"]))
  }

  @Test("a site put back in time takes up its own newest descriptor before it counts on")
  func restoredFromBackup() throws {
    var head = try offices.head().agent
    var lyon = try offices.join("lyon", ["2XX"], to: &head)
    let backup = lyon
    var configuration = lyon.configuration
    for limit in [1, 2, 3] {
      configuration.trunk.callLimit = limit
      let effects = try lyon.handle(.configuration(configuration), at: now + 60)
      _ = head.receive(effects.pushes.flatMap(\.documents), from: lyon.mesh.site, at: now + 60)
    }
    var restored = backup
    _ = restored.receive(
      head.directory.documents(missingFrom: restored.directory.digest()), from: head.mesh.site, at: now + 90)
    #expect(serial(restored) == 4)
    let effects = try restored.handle(.tick, at: now + 100)
    #expect(serial(restored) == 5)
    let (receipt, heard) = head.receive(
      effects.pushes.flatMap(\.documents), from: restored.mesh.site, at: now + 100)
    #expect(receipt.accepted == 1)
    #expect(!heard.journal.contains(.siteForked))
    #expect(try head.desiredState(at: now).trunk.peers[0].callLimit == 4)
  }

  @Test("two machines with one identity do not answer each other without end")
  func clones() throws {
    var head = try offices.head().agent
    var lyon = try offices.join("lyon", ["2XX"], to: &head)
    var clone = lyon
    var configuration = clone.configuration
    configuration.trunk.callLimit = 1
    let effects = try clone.handle(.configuration(configuration), at: now)
    let answer = lyon.receive(effects.pushes.flatMap(\.documents), from: head.mesh.site, at: now).effects
    #expect(
      answer.pushes.flatMap(\.documents) == effects.pushes.flatMap(\.documents), "passed on, not answered")
  }
}
