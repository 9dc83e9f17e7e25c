// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: pbxlink contributors

import Glibc
import PBXLinkCore
import Testing

@testable import PBXLinkSystem

@Suite(
  "OpenVPN links", .enabled(if: OpenVPNSite.obstacle == nil, Comment(rawValue: OpenVPNSite.obstacle ?? "")))
struct OpenVPNPlaneTests {
  @Test("two sites reach each other, a second look finds nothing to do, and the process has no rights")
  func traffic() async throws {
    try await OpenVPNSite.withPair { one, two in
      let links = (try one.link(to: two), try two.link(to: one))
      #expect(try await one.plane.observe() == ObservedOpenVPN())
      try await one.apply([links.0])
      #expect(try await one.status()?.isConnected == false)
      #expect(try await one.changes([links.0]).isEmpty, "while it waits for the peer")
      try await two.apply([links.1])
      #expect(try await eventually { try await two.isConnected() })
      #expect(try await eventually { try await one.isConnected() })
      for family in [IPAddress.Family.v4, .v6] {
        #expect(try await one.reaches(two, over: family))
        #expect(try await two.reaches(one, over: family))
      }
      #expect(try await one.changes([links.0]).isEmpty)
      #expect(try await two.changes([links.1]).isEmpty)

      let seen = try #require(try await two.observed())
      #expect(seen.link == .up && seen.mtu == 1380 && seen.addresses.count == 2 && seen.routes.count == 2)
      let status = try #require(try await two.status())
      #expect(status.receivedBytes > 1000 && status.sentBytes > 1000 && status.problem == nil)
      let process = try #require(seen.process).identifier
      let facts = String(
        decoding: try #require(OpenVPNProcesses.read("/proc/\(process)/status")), as: UTF8.self)
      #expect(facts.contains("CapEff:\t0000000000000000") && facts.contains("CapPrm:\t0000000000000000"))
      #expect(facts.contains("Uid:\t65534\t65534\t65534\t65534"))
      #expect(getsid(process) == process)
      let route = try await two.space.ip("route", "get", "10.77.0.1")
      #expect(route.contains("dev pbxlink-2") && route.contains("src 10.77.0.2"))
    }
  }

  @Test("a peer with another certificate than the announced one gets no link, and the reason can be read")
  func fingerprint() async throws {
    try await OpenVPNSite.withPair { one, two in
      let stranger = try OpenVPNCertificate(Secret(Array(repeating: 9, count: 32))).fingerprint
      try await one.apply([one.link(to: two, fingerprint: stranger)])
      try await two.apply([two.link(to: one)])
      #expect(
        try await eventually {
          try await one.status()?.problem?.contains("certificate hash verification failed") ?? false
        })
      #expect(try await !one.reaches(two))
      // The announced one is there after all: this link's process is replaced.
      let plan = try await one.apply([one.link(to: two)])
      #expect(plan == [.restartProcess("pbxlink-2", isInUse: true)])
      #expect(try await eventually { try await two.reaches(one) })
    }
  }

  @Test("a killed process is replaced, and its interface has stayed")
  func death() async throws {
    try await OpenVPNSite.withPair { one, two in
      try await one.apply([one.link(to: two)])
      try await two.apply([two.link(to: one)])
      #expect(try await eventually { try await one.reaches(two) })
      let index = try await two.kernel.link("pbxlink-2")?.index
      kill(try #require(try await two.observed()?.process).identifier, SIGKILL)
      #expect(try await eventually { try await two.observed()?.process == nil })
      #expect(try await two.apply([two.link(to: one)]) == [.startProcess("pbxlink-2")])
      #expect(try await eventually { try await two.reaches(one) })
      #expect(try await two.kernel.link("pbxlink-2")?.index == index)
      #expect(try await two.changes([two.link(to: one)]).isEmpty)
    }
  }

  @Test("a deleted interface comes back with a process of its own")
  func deletedInterface() async throws {
    try await OpenVPNSite.withPair { one, two in
      try await one.apply([one.link(to: two)])
      try await two.apply([two.link(to: one)])
      #expect(try await eventually { try await one.reaches(two) })
      try await two.space.ip("link", "delete", "pbxlink-2")
      let plan = try await two.apply([two.link(to: one)])
      #expect(plan.first == .createLink("pbxlink-2"))
      #expect(plan.contains(.restartProcess("pbxlink-2", isInUse: true)))
      #expect(try await eventually { try await two.reaches(one) })
      #expect(try await two.changes([two.link(to: one)]).isEmpty)
    }
  }

  @Test("a peer comes in by the shared port, until it is no longer one")
  func sharedPort() async throws {
    try await OpenVPNSite.withPair { one, two in
      let link = try one.link(to: two, port: 20_002)
      let plan = try await one.apply([link], sharedPort: 443)
      #expect(plan.first == .setSharedPortPeers(adding: [20_002], removing: []))
      #expect(try await one.changes([link], sharedPort: 443).isEmpty)
      try await two.apply([two.link(to: one, port: 443)])
      #expect(try await eventually { try await two.isConnected() })
      #expect(try await eventually { try await two.reaches(one) })
      #expect(try await one.reaches(two, over: .v6))
      // Its process is replaced, and comes back by the same port.
      kill(try #require(try await one.observed()?.process).identifier, SIGKILL)
      #expect(try await eventually { try await one.observed()?.process == nil })
      #expect(try await one.apply([link], sharedPort: 443) == [.startProcess("pbxlink-2")])
      #expect(try await eventually { try await two.reaches(one) })

      #expect(
        try await one.apply([], sharedPort: 443) == [
          .setSharedPortPeers(adding: [], removing: [20_002]), .removeLink("pbxlink-2", replaced: false),
        ])
      #expect(try await eventually { try await two.status()?.isConnected == false })
      #expect(try await one.apply([]) == [.stopSharedPort(replaced: false)])
      #expect(try await one.plane.observe() == ObservedOpenVPN())
    }
  }

  @Test("another agent finds the links as they are")
  func successor() async throws {
    try await OpenVPNSite.withPair { one, two in
      try await one.apply([one.link(to: two)])
      let successor = try await OpenVPNSite(one.space, 1)
      #expect(try await successor.changes([one.link(to: two)]).isEmpty)
    }
  }

  @Test("taking a link into use and out of it changes routes and nothing else")
  func standby() async throws {
    try await OpenVPNSite.withPair { one, two in
      try await one.apply([one.link(to: two)])
      try await two.apply([two.link(to: one, isInUse: false)])
      #expect(try await eventually { try await two.isConnected() })
      #expect(try await eventually { try await one.isConnected() })
      #expect(try await !two.reaches(one))
      let process = try await two.observed()?.process?.identifier
      let forth = try await two.apply([two.link(to: one)])
      #expect(
        forth.map(\.description).sorted() == [
          "pbxlink-2: add route 10.77.0.1/32 from 10.77.0.2", "pbxlink-2: add route fd77::1/128 from fd77::2",
        ])
      #expect(try await two.reaches(one))
      #expect(try await two.reaches(one, over: .v6))
      let back = try await two.apply([two.link(to: one, isInUse: false)])
      #expect(back.allSatisfy { if case .removeRoute = $0 { true } else { false } } && back.count == 2)
      #expect((forth + back).allSatisfy { $0.expectedGap == .free })
      #expect(try await !two.reaches(one))
      #expect(try await two.observed()?.process?.identifier == process)
      #expect(try await two.changes([two.link(to: one, isInUse: false)]).isEmpty)
    }
  }

  @Test("a port in use is named, and the other links come up")
  func portInUse() async throws {
    try await OpenVPNSite.withPair { one, two in
      let taken = try await one.space.inside {
        let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = UInt16(1194).bigEndian
        let result = withUnsafePointer(to: &address) {
          $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
            bind(descriptor, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
          }
        }
        return result == 0 && listen(descriptor, 1) == 0 ? descriptor : -1
      }
      try #require(taken >= 0)
      defer { close(taken) }
      let third = try await OpenVPNSite(two.space, 3)
      let links = [
        try one.link(to: two), try one.link(to: third, interface: "pbxlink-3", port: 1195),
      ]
      await #expect {
        try await one.apply(links)
      } throws: {
        "\($0)".contains("192.0.2.1:1194") && "\($0)".contains("ss -ltnp") && "\($0)".contains("pbxlink-2")
      }
      #expect(try await one.status("pbxlink-3") != nil)
      #expect(try await one.observed("pbxlink-3")?.routes.count == 2)
      #expect(try await one.observed()?.routes.isEmpty == true, "no traffic into a link without a process")
    }
  }

  @Test("a TUN device that another program uses is named")
  func deviceInUse() async throws {
    try await OpenVPNSite.withPair { one, two in
      try await one.kernel.createTUN("pbxlink-2", owner: geteuid())
      let descriptor = try await one.space.inside { open("/dev/net/tun", O_RDWR | O_CLOEXEC) }
      defer { close(descriptor) }
      // struct ifreq with IFF_TUN | IFF_NO_PI, for TUNSETIFF. A child that another test has just forked may hold
      // the device for a moment.
      var request = Array("pbxlink-2".utf8) + [UInt8](repeating: 0, count: 31)
      (request[16], request[17]) = (0x01, 0x10)
      try #require(try await eventually { ioctl(descriptor, 0x4004_54ca, &request) == 0 })
      await #expect {
        try await one.apply([one.link(to: two)])
      } throws: {
        "\($0)".contains("pbxlink-2") && "\($0)".contains("busy")
      }
    }
  }

  @Test("a foreign interface under the name is replaced, one that nobody asks for goes, others stay")
  func foreignLinks() async throws {
    try await OpenVPNSite.withPair { one, two in
      for name in ["pbxlink-2", "pbxlink-9", "pbxlink-x", "pbxlink0"] {
        try await one.space.ip("link", "add", name, "type", "bridge")
      }
      #expect(try await one.observed()?.link == .foreign(kind: "bridge"))
      let plan = try await one.apply([one.link(to: two)])
      #expect(
        plan.starts(with: [
          .removeLink("pbxlink-9", replaced: false), .removeLink("pbxlink-2", replaced: true),
          .createLink("pbxlink-2"),
        ]))
      #expect(try await one.changes([one.link(to: two)]).isEmpty)
      #expect(try await one.kernel.link("pbxlink-9") == nil)
      for name in ["pbxlink-x", "pbxlink0"] { #expect(try await one.kernel.link(name)?.kind == "bridge") }
      try await two.space.ip("tuntap", "add", "dev", "pbxlink-2", "mode", "tap")
      #expect(try await two.observed()?.link == .foreign(kind: "tap"))
    }
  }

  @Test("a process that hangs is reported for its link only, and left alone")
  func hanging() async throws {
    try await OpenVPNSite.withPair { one, two in
      let third = try await OpenVPNSite(two.space, 3)
      let links = [
        try one.link(to: two), try one.link(to: third, interface: "pbxlink-3", port: 1195),
      ]
      try await one.apply(links)
      let process = try #require(try await one.observed()?.process).identifier
      kill(process, SIGSTOP)
      guard case .unknown(let reason) = try await one.observed()?.process?.management else {
        Issue.record("a stopped process has answered")
        return
      }
      #expect(reason.contains("pbxlink-2.sock: no answer in 2.0 seconds"))
      #expect(try await one.status("pbxlink-3") != nil)
      #expect(try await one.changes(links).isEmpty)
      kill(process, SIGCONT)
      #expect(try await eventually { try await one.status() != nil })
    }
  }

  @Test("a process that was started and never told to begin is started anew")
  func held() async throws {
    try await OpenVPNSite.withPair { one, two in
      try await two.apply([two.link(to: one)])
      let process = try #require(try await two.observed()?.process).identifier
      let line = try #require(OpenVPNProcesses.read("/proc/\(process)/cmdline"))
        .split(separator: 0).map { String(decoding: $0, as: UTF8.self) }
      kill(process, SIGKILL)
      #expect(try await eventually { try await two.observed()?.process == nil })
      unlink("\(two.directory)/pbxlink-2.sock")
      try await two.space.exec("sh", "-c", line.joined(separator: " "))
      #expect(try await eventually { try await two.observed()?.process?.management == .held })
      #expect(try await two.apply([two.link(to: one)]) == [.restartProcess("pbxlink-2", isInUse: true)])
      #expect(try await two.status() != nil)
    }
  }

  @Test("a reverse path filter is turned off on our interface only")
  func reversePath() async throws {
    try await OpenVPNSite.withPair { one, two in
      func set(_ name: String) async throws {
        try await one.space.exec("sh", "-c", "echo 1 >/proc/sys/net/ipv4/conf/\(name)/rp_filter")
      }
      func value(_ name: String) async throws -> String {
        try await one.space.exec("cat", "/proc/sys/net/ipv4/conf/\(name)/rp_filter")
      }
      for name in ["default", "wan"] { try await set(name) }
      try await one.apply([one.link(to: two)])
      #expect(try await value("pbxlink-2") == "0\n")
      try await set("pbxlink-2")
      #expect(try await one.apply([one.link(to: two)]) == [.disableReversePathFilter("pbxlink-2")])
      #expect(try await value("pbxlink-2") == "0\n")
      for name in ["default", "wan"] { #expect(try await value(name) == "1\n") }
    }
  }

  @Test(
    "without a usable openvpn the reason and what to do are told",
    arguments: [
      (["/nonexistent/openvpn"], "apt install openvpn"),
      (["echo", "OpenVPN 2.5.9 x86_64-pc-linux-gnu"], "this is 2.5.9; upgrade it"),
    ])
  func version(command: [String], text: String) async throws {
    try await OpenVPNSite.withPair { one, two in
      let broken = try await OpenVPNSite(one.space, 1, command: command)
      await #expect {
        try await broken.apply([one.link(to: two)])
      } throws: {
        "\($0)".contains(text)
      }
    }
  }

  @Test("removal leaves no interface, route, process or file")
  func removal() async throws {
    try await OpenVPNSite.withPair { one, two in
      try await one.apply([one.link(to: two)])
      try await two.apply([two.link(to: one)])
      #expect(try await eventually { try await two.isConnected() })
      try await two.plane.remove()
      #expect(try await two.plane.observe() == ObservedOpenVPN())
      #expect(try await two.space.ip("route", "show", "proto", "201").isEmpty)
      #expect(await two.space.processes().isEmpty)
      #expect(access(two.directory, F_OK) != 0)
      try await two.plane.remove()
      // A site that is no longer a peer.
      #expect(try await one.apply([]) == [.removeLink("pbxlink-2", replaced: false)])
      #expect(try await one.plane.observe() == ObservedOpenVPN())
    }
  }
}
