// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: pbxlink contributors

import Testing

@testable import PBXLinkCore

@Suite("Who is sent what")
struct DeliveriesTests {
  let offices = Offices()
  let now = Offices.now

  /// A mesh whose head is public, with sites a to f, some of which are too.
  private func head(public names: Set<String>) throws -> Agent {
    var head = try offices.head().agent
    for (number, name) in "abcdef".map(String.init).enumerated() {
      let endpoints = names.contains(name) ? ["203.0.113.\(number + 9):51820"] : []
      _ = try offices.join(
        name, ["\(number + 20)XX"], to: &head, configuration: offices.configuration(endpoints: endpoints))
    }
    return head
  }

  private func names(_ text: String) throws -> Set<SiteName> {
    Set(try text.map { try offices.site("\($0)") })
  }

  @Test(
    "everyone in reach gets a push; each site out of reach is left to one, and offered by the other public ones"
  )
  func everyone() throws {
    let head = try head(public: ["a", "b"])
    let deliveries = head.deliveries(of: Push(["x"]), reachable: try names("abc"), at: now)
    #expect(deliveries.map(\.site.name.description).sorted() == ["a", "b", "c", "d", "e", "f"])
    #expect(deliveries.allSatisfy { !$0.isOffer })
    #expect(Set(deliveries.prefix(3).map(\.site.name)) == (try names("abc")), "those in reach come first")
    let errands = deliveries.filter { ($0.errand?.count ?? 0) > 0 }
    #expect(Set(errands.map(\.site.name)) == (try names("ab")))
    #expect(errands.flatMap { $0.errand?.push ?? [] }.sorted() == (try names("def")).sorted())
    #expect(errands.flatMap { $0.errand?.offer ?? [] }.sorted() == (try names("def")).sorted())
    for errand in errands.compactMap(\.errand) {
      #expect(Set(errand.push).isDisjoint(with: errand.offer))
    }
  }

  @Test("an errand is run for those in reach, and the rest of it is handed on to them; nobody else is told")
  func errand() throws {
    let head = try head(public: ["a", "b"])
    let errand = Errand(push: try names("ac").sorted(), offer: try names("bd").sorted() + [head.mesh.site])
    let deliveries = head.deliveries(
      of: Push(["x"], to: .errand(errand), except: try offices.site("f")), reachable: try names("abcf"),
      at: now)
    #expect(deliveries.map(\.site.name.description) == ["a", "b", "c"])
    #expect(deliveries.map(\.isOffer) == [false, true, false])
    let rest = deliveries.map { ($0.errand?.push ?? []) + ($0.errand?.offer ?? []) }
    let far = try offices.site("d")
    #expect(rest == [[far], [far], []])
  }

  @Test("what comes by a comparison is offered to those in reach, and to few of many")
  func neighbours() throws {
    let head = try head(public: [])
    let push = Push(["x"], to: .neighbours, except: try offices.site("a"))
    let deliveries = head.deliveries(of: push, reachable: try names("abc"), at: now)
    #expect(deliveries.map(\.site.name.description) == ["b", "c"])
    #expect(deliveries.allSatisfy { $0.isOffer && $0.errand == nil })
  }

  @Test("a document is asked for from two of those who offer it, and again when neither sends it")
  func promises() throws {
    var head = try head(public: [])
    let asked = try "aabcd".map { head.wanted(["hash"], from: try offices.site("\($0)"), at: now) }
    #expect(asked.map(\.count) == [1, 0, 1, 0, 0])
    #expect(head.wanted(["hash"], from: try offices.site("e"), at: now + Promises.patience) == ["hash"])
    let held = try #require(head.directory.records.first).version.hash
    #expect(head.wanted([held], from: try offices.site("a"), at: now) == [])
  }

  @Test("few are compared with each other in a round, and all in turn")
  func partners() throws {
    let head = try offices.head().agent
    let many = Set((0..<100).compactMap { SiteName("site-\($0)") })
    let rounds = (0..<13).map { head.comparisonPartners(among: many, round: $0) }
    #expect(rounds.allSatisfy { Set($0).count == Agent.comparisons })
    #expect(Set(rounds.joined()) == many)
    #expect(head.comparisonPartners(among: try names("ab"), round: 5) == (try names("ab")).sorted())
  }
}
