// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: pbxlink contributors

import PBXLinkCore
import Testing

@Suite("Plan of the OpenVPN links")
struct OpenVPNPlanTests: OpenVPNFixtures {
  private func plan(_ observed: ObservedOpenVPN, _ desired: OpenVPNConfiguration) -> [String] {
    changes(from: observed, to: desired).map(\.description)
  }

  private func standing(_ desired: OpenVPNConfiguration) -> ObservedOpenVPN {
    ObservedOpenVPN().applying(changes(from: ObservedOpenVPN(), to: desired), to: desired)
  }

  @Test("from nothing: the table of the shared port, then each link up to its routes, then the port")
  func fromNothing() throws {
    let desired = try openVPN([link(2)], addresses: ["10.77.0.1"], sharedPort: "192.0.2.1:443")
    let steps = changes(from: ObservedOpenVPN(), to: desired)
    #expect(
      steps.map(\.description) == [
        "shared port: let in connections for + 20002", "pbxlink-2: create the interface",
        "pbxlink-2: add address 10.77.0.1/32", "pbxlink-2: set MTU 1380", "pbxlink-2: set the interface up",
        "pbxlink-2: start openvpn", "pbxlink-2: add route 10.77.0.2/32 from 10.77.0.1",
        "shared port: listen on TCP 192.0.2.1:443",
      ])
    #expect(steps.allSatisfy { $0.expectedGap == .free && !$0.takesPeerAway })
  }

  @Test("taking a link into use and out of it is its routes, and costs nothing")
  func paths() throws {
    let standby = try openVPN([link(2, isInUse: false), link(3)])
    let inUse = try openVPN([link(2), link(3)])
    let forth = changes(from: standing(standby), to: inUse)
    let routes = [
      OpenVPNRoute(try prefix("10.77.0.2"), source: try address("10.77.0.1")),
      OpenVPNRoute(try prefix("fd77::2"), source: try address("fd77::1")),
    ]
    #expect(forth == routes.map { .addRoute("pbxlink-2", $0) })
    let back = changes(from: standing(inUse), to: standby)
    #expect(back == routes.map { .removeRoute("pbxlink-2", $0) })
    #expect((forth + back).allSatisfy { $0.expectedGap == .free && !$0.takesPeerAway })
  }

  @Test("a new certificate of a peer restarts its process only")
  func fingerprint() throws {
    let before = try openVPN([link(2), link(3)])
    let changed = OpenVPNLink(
      interface: "pbxlink-3", site: try link(3).site, role: try link(3).role,
      peerFingerprint: try fingerprint(9), controlKey: try link(3).controlKey,
      peerAddresses: try link(3).peerAddresses, isInUse: true)
    let plan = changes(from: standing(before), to: try openVPN([link(2), changed]))
    #expect(plan == [.restartProcess("pbxlink-3", isInUse: true)])
    #expect(plan.map(\.expectedGap) == [.outage(milliseconds: 2900)])
  }

  @Test("a peer that goes loses its way in first, and touches no other")
  func removal() throws {
    let before = try openVPN([link(2), link(3)], sharedPort: "192.0.2.1:443")
    let plan = changes(from: standing(before), to: try openVPN([link(3)], sharedPort: "192.0.2.1:443"))
    #expect(
      plan == [
        .setSharedPortPeers(adding: [], removing: [20_002]), .removeLink("pbxlink-2", replaced: false),
      ])
    #expect(plan.allSatisfy { $0.takesPeerAway })
    #expect(plan.map(\.expectedGap) == [.free, .endOfLink])
  }

  @Test("what others did to a link is put right")
  func drift() throws {
    let desired = try openVPN([link(2)], addresses: ["10.77.0.1"])
    var observed = standing(desired)
    observed.links["pbxlink-2"]?.link = .down
    observed.links["pbxlink-2"]?.mtu = 9000
    observed.links["pbxlink-2"]?.filtersReversePath = true
    observed.links["pbxlink-2"]?.addresses = [
      try #require(InterfaceAddress(address("192.0.2.7"), length: 24))
    ]
    observed.links["pbxlink-2"]?.routes = [
      OpenVPNRoute(try prefix("10.77.0.2"), source: nil), OpenVPNRoute(try prefix("10.0.0.0/8"), source: nil),
    ]
    observed.links["pbxlink-2"]?.process?.management = .held
    #expect(
      plan(observed, desired) == [
        "pbxlink-2: add address 10.77.0.1/32", "pbxlink-2: set MTU 1380",
        "pbxlink-2: turn the reverse path filter off", "pbxlink-2: set the interface up",
        "pbxlink-2: restart openvpn", "pbxlink-2: add route 10.77.0.2/32 from 10.77.0.1",
        "pbxlink-2: remove route 10.0.0.0/8", "pbxlink-2: remove address 192.0.2.7/24",
      ])
  }

  @Test("an interface that vanished under its process, or is of another kind, is made anew with its process")
  func interfaces() throws {
    let desired = try openVPN([link(2)], addresses: ["10.77.0.1"])
    var vanished = standing(desired)
    vanished.links["pbxlink-2"]?.link = .missing
    #expect(plan(vanished, desired).first == "pbxlink-2: create the interface")
    #expect(plan(vanished, desired).contains("pbxlink-2: restart openvpn"))
    var foreign = standing(desired)
    foreign.links["pbxlink-2"]?.link = .foreign(kind: "bridge")
    #expect(
      plan(foreign, desired).prefix(2) == [
        "pbxlink-2: delete the interface and end its openvpn process", "pbxlink-2: create the interface",
      ])
    #expect(plan(foreign, desired).contains("pbxlink-2: start openvpn"))
    var leftOver = ObservedOpenVPN(links: ["pbxlink-2": .init(link: .missing)])
    leftOver.links["pbxlink-2"]?.process = foreign.links["pbxlink-2"]?.process
    let end = changes(from: leftOver, to: try openVPN([]))
    #expect(end == [.stopProcess("pbxlink-2")])
    #expect(end.allSatisfy { $0.takesPeerAway })
  }

  @Test("a process that says nothing is left alone")
  func silence() throws {
    let desired = try openVPN([link(2)])
    var observed = standing(desired)
    observed.links["pbxlink-2"]?.process?.management = .unknown(reason: "no answer")
    #expect(changes(from: observed, to: desired).isEmpty)
  }

  @Test("an address of a family in which we have none gets no route")
  func families() throws {
    let desired = try openVPN([link(2)], addresses: ["10.77.0.1"])
    #expect(standing(desired).links["pbxlink-2"]?.routes.map(\.destination) == [try prefix("10.77.0.2")])
  }

  @Test("a shared port that moves is opened anew with the same table")
  func sharedPort() throws {
    let before = try openVPN([link(2)], sharedPort: "192.0.2.1:443")
    let moved = try openVPN([link(2)], sharedPort: "192.0.2.1:8443")
    #expect(
      changes(from: standing(before), to: moved) == [
        .stopSharedPort(replaced: true), .setSharedPortPeers(adding: [20_002], removing: []),
        .startSharedPort(try endpoint("192.0.2.1:8443")),
      ])
    let closed = changes(from: standing(before), to: try openVPN([link(2)]))
    #expect(closed == [.stopSharedPort(replaced: false)])
  }

  @Test("any state leads to any other, and then nothing is left to do", arguments: UInt64(0)..<50)
  func convergence(seed: UInt64) throws {
    var random = SplitMix64(seed: seed)
    var observed = ObservedOpenVPN()
    for _ in 0..<20 {
      let desired = try randomConfiguration(&random)
      try disturb(&observed, &random)
      let result = observed.applying(changes(from: observed, to: desired), to: desired)
      #expect(changes(from: result, to: desired).isEmpty, "seed \(seed)")
      #expect(Set(result.links.keys) == Set(desired.links.map(\.interface)), "seed \(seed)")
      for link in desired.links {
        let found = try #require(result.links[link.interface])
        #expect(found.link == .up && found.process != nil && !found.filtersReversePath, "seed \(seed)")
        let served = Set(desired.addresses.map(\.family))
        let wanted = link.isInUse ? link.peerAddresses.filter { served.contains($0.family) } : []
        #expect(
          Set(found.routes.map(\.destination)) == Set(wanted.map(IPPrefix.init(host:))), "seed \(seed)")
      }
      #expect(result.sharedPort?.listen == desired.sharedPort, "seed \(seed)")
      observed = result
    }
  }

  private func disturb(_ observed: inout ObservedOpenVPN, _ random: inout SplitMix64) throws {
    for name in observed.links.keys.sorted() {
      switch Int.random(in: 0..<8, using: &random) {
      case 0: observed.links[name]?.process = nil
      case 1:
        let process = observed.links[name]?.process
        observed.links[name] = .init(link: .missing)
        observed.links[name]?.process = process
      case 2: observed.links[name]?.link = .down
      case 3: observed.links[name] = .init(link: .foreign(kind: "dummy"))
      case 4: observed.links[name]?.filtersReversePath = true
      case 5:
        observed.links[name]?.routes = [OpenVPNRoute(try prefix("10.99.0.0/16"), source: nil, metric: 7)]
      case 6: observed.links[name]?.process?.configuration = nil
      default: break
      }
    }
  }

  private func randomConfiguration(_ random: inout SplitMix64) throws -> OpenVPNConfiguration {
    let sites = (2...9).filter { _ in Bool.random(using: &random) }
    let offset = Int.random(in: 0...1, using: &random)  // a site may move to its neighbour's interface
    let links = try sites.map { number in
      let target = try #require(Endpoint("203.0.113.\(number):443"))
      return try link(
        number, interface: "pbxlink-\(number + offset)",
        role: Bool.random(using: &random) ? .connect(to: [target], proxy: nil) : nil,
        isInUse: Bool.random(using: &random))
    }
    return try openVPN(
      links, addresses: Bool.random(using: &random) ? ["10.77.0.1"] : ["10.77.0.1", "fd77::1"],
      mtu: .random(in: 1380...1381, using: &random),
      sharedPort: ["192.0.2.1:443", "192.0.2.1:8443", nil].randomElement(using: &random).flatMap { $0 })
  }
}
