// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: pbxlink contributors

import Glibc
import PBXLinkCore
import Testing

@testable import PBXLinkSystem

@Suite(
  "Links, addresses and routes",
  .enabled(if: NetworkNamespace.obstacle == nil, Comment(rawValue: NetworkNamespace.obstacle ?? "")))
struct RouteNetlinkTests {
  private func prefix(_ text: String) throws -> IPPrefix { try #require(IPPrefix(text)) }

  @Test("what is set is what ip shows, and what is read back")
  func roundTrip() async throws {
    try await NetworkNamespace.with(count: 1) { spaces in
      let kernel = try await spaces[0].inside { try RouteNetlink() }
      try await kernel.createLink("pbxlink-t", kind: "bridge")
      for text in ["10.77.0.1", "fd00::1"] {
        try await kernel.addAddress(InterfaceAddress(prefix(text)), to: "pbxlink-t")
      }
      try await kernel.setMTU("pbxlink-t", 1380)
      try await kernel.setUp("pbxlink-t")
      let networks = [try prefix("10.77.0.0/16"), try prefix("fd00::/64")]
      // Twice: every step can be repeated.
      for network in networks + networks {
        try await kernel.replaceGuard(network)
        try await kernel.replaceRoute(network, through: "pbxlink-t")
      }
      let link = try #require(try await kernel.link("pbxlink-t"))
      #expect(link.kind == "bridge" && link.mtu == 1380 && link.isUp)
      let addresses = try await kernel.addresses().filter {
        $0.interfaceIndex == link.index && !$0.isLinkScope
      }
      #expect(
        Set(addresses.map(\.address)) == [
          InterfaceAddress(try prefix("10.77.0.1")), InterfaceAddress(try prefix("fd00::1")),
        ])
      let own = try await kernel.ownRoutes(throughIndex: link.index)
      #expect(own == .init(routes: Set(networks), guards: Set(networks)))

      let v4 = try await spaces[0].ip("route", "show", "proto", "201").split(separator: "\n").map(String.init)
      #expect(v4.count == 2)
      #expect(v4.contains { $0.hasPrefix("10.77.0.0/16 dev pbxlink-t scope link metric 100") })
      #expect(v4.contains { $0.hasPrefix("unreachable 10.77.0.0/16 metric 1000000") })
      let v6 = try await spaces[0].ip("-6", "route", "show", "proto", "201")
      #expect(v6.contains("fd00::/64 dev pbxlink-t metric 100 "))
      #expect(v6.contains("unreachable fd00::/64 dev lo metric 1000000"))

      // One of a path that carries less stands apart, and can be changed and taken away.
      let host = try prefix("10.77.0.9")
      for mtu in [1300, 1288] { try await kernel.replaceRoute(host, through: "pbxlink-t", mtu: mtu) }
      #expect(
        try await kernel.ownRoutes(throughIndex: link.index)
          == .init(routes: Set(networks), mtus: [host: 1288], guards: Set(networks)))
      #expect(try await spaces[0].ip("route", "get", "10.77.0.9").contains("mtu 1288"))
      try await kernel.deleteRoute(host, through: "pbxlink-t")
      #expect(try await kernel.ownRoutes(throughIndex: link.index).mtus.isEmpty)

      // The guard decides when the interface is away.
      try await kernel.deleteLink("pbxlink-t")
      await #expect(throws: KernelError.self) { try await spaces[0].ip("route", "get", "10.77.0.9") }
      #expect(try await kernel.ownRoutes(throughIndex: nil) == .init(guards: Set(networks)))
      for network in networks + networks { try await kernel.deleteGuard(network) }
      #expect(try await kernel.ownRoutes(throughIndex: nil) == .init())
      try await kernel.deleteLink("pbxlink-t")
    }
  }

  @Test("addresses and routes are taken away one by one, others' stay")
  func removal() async throws {
    try await NetworkNamespace.with(count: 1) { spaces in
      let kernel = try await spaces[0].inside { try RouteNetlink() }
      try await kernel.createLink("pbxlink-t", kind: "bridge")
      try await kernel.setUp("pbxlink-t")
      try await spaces[0].ip("address", "add", "192.0.2.7/24", "dev", "pbxlink-t")
      try await spaces[0].ip("route", "add", "10.99.0.0/16", "dev", "pbxlink-t")
      try await kernel.addAddress(InterfaceAddress(prefix("10.77.0.1")), to: "pbxlink-t")
      try await kernel.replaceRoute(prefix("10.77.0.0/16"), through: "pbxlink-t")
      for _ in 0..<2 {
        try await kernel.deleteRoute(prefix("10.77.0.0/16"), through: "pbxlink-t")
        try await kernel.deleteAddress(InterfaceAddress(prefix("10.77.0.1")), from: "pbxlink-t")
      }
      let entries = try await NetworkInterfaces.list(kernel: kernel).filter { $0.interface == "pbxlink-t" }
      #expect(entries.map(\.address.description) == ["192.0.2.7/24"])
      #expect(entries.map(\.prefix) == [try prefix("192.0.2.0/24")])
      #expect(try await spaces[0].ip("route", "show").contains("10.99.0.0/16"))
    }
  }

  @Test("an error names the step, the object and the cause")
  func errors() async throws {
    try await NetworkNamespace.with(count: 1) { spaces in
      let kernel = try await spaces[0].inside { try RouteNetlink() }
      await #expect {
        try await kernel.setMTU("pbxlink-t", 1280)
      } throws: {
        "\($0)" == "cannot set MTU 1280 on pbxlink-t: No such device"
      }
      await #expect {
        try await kernel.createLink("pbxlink-t", kind: "nosuchkind")
      } throws: {
        ($0 as? KernelError)?.errno == EOPNOTSUPP
      }
    }
  }

  @Test("events tell of links, addresses and our routes")
  func events() async throws {
    try await NetworkNamespace.with(count: 1) { spaces in
      let kernel = try await spaces[0].inside { try RouteNetlink() }
      let stream = try await spaces[0].inside { try KernelEvents.stream() }
      try await kernel.createLink("pbxlink-t", kind: "bridge")
      try await kernel.setUp("pbxlink-t")
      try await kernel.addAddress(InterfaceAddress(prefix("10.77.0.1")), to: "pbxlink-t")
      try await spaces[0].ip("route", "add", "10.99.0.0/16", "dev", "pbxlink-t")
      try await kernel.replaceRoute(prefix("10.77.0.0/16"), through: "pbxlink-t")
      try await kernel.deleteLink("pbxlink-t")
      var seen: [KernelEvent] = []
      for await event in stream {
        seen.append(event)
        if case .link("pbxlink-t", present: false, _) = event { break }
      }
      #expect(seen.contains(.link(name: "pbxlink-t", present: true, isUp: true)))
      #expect(seen.contains(.route(try prefix("10.77.0.0/16"), present: true)))
      #expect(!seen.contains(.route(try prefix("10.99.0.0/16"), present: true)))
      let address = InterfaceAddress(try prefix("10.77.0.1"))
      #expect(seen.contains { if case .address(address, _, true) = $0 { true } else { false } })
    }
  }

  @Test("a reader that falls behind is told so")
  func overrun() async throws {
    try await NetworkNamespace.with(count: 1) { spaces in
      let kernel = try await spaces[0].inside { try RouteNetlink() }
      let stream = try await spaces[0].inside { try KernelEvents.stream() }
      try await kernel.createLink("pbxlink-t", kind: "bridge")
      for _ in 0..<KernelEvents.capacity {
        try await kernel.replaceGuard(prefix("10.77.0.0/16"))
        try await kernel.deleteGuard(prefix("10.77.0.0/16"))
      }
      try await kernel.deleteLink("pbxlink-t")
      // The reader's queue still has to take everything in; the link's end, the last event, says that it did.
      var iterator = stream.makeAsyncIterator()
      var wasOverrun = false
      while let event = await iterator.next() {
        if event == .overrun { wasOverrun = true }
        if case .link("pbxlink-t", present: false, _) = event { break }
      }
      #expect(wasOverrun)
    }
  }

  @Test("the kernel's WireGuard is found missing by name, and a demand for it fails with what to do")
  func choice() async throws {
    try await NetworkNamespace.with(count: 1) { spaces in
      let kernel = try await spaces[0].inside { try RouteNetlink() }
      let isThere = try await TunnelBackends.kernelHasWireGuard(kernel)
      #expect(try await kernel.link("pbxlink-probe") == nil)
      let forced = await Result { try await TunnelBackends.choose(.kernel, kernel: kernel) }
      switch forced {
      case .success(let choice): #expect(isThere && choice.backend.name == .kernel)
      case .failure(let error):
        #expect(!isThere)
        #expect("\(error)".contains("no link type wireguard; load the module"))
      }
      guard NetworkNamespace.tunnelObstacle == nil else { return }
      let automatic = try await TunnelBackends.choose(.auto, kernel: kernel)
      #expect(automatic.backend.name == (isThere ? .kernel : .userspace))
      #expect(!automatic.reason.isEmpty)
      #expect(try await TunnelBackends.choose(.userspace, kernel: kernel).backend.name == .userspace)
    }
  }
}

extension Result where Failure == any Error {
  fileprivate init(_ body: () async throws -> Success) async {
    do { self = .success(try await body()) } catch { self = .failure(error) }
  }
}
