// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: pbxlink contributors

import FoundationEssentials
import PBXLinkCore
import Testing

@testable import PBXLinkSystem

@Suite("Site file")
struct SiteFileTests {
  private static let everything = """
    numbers:
      extensions: [2XX, "_3[0-4]XX", 150-349]
      emergency: ["115", 110]
    asterisk:
      configuration_directory: /srv/asterisk/etc
      local_context: local-extensions
      phone_contexts: [phones, from-internal]
      manager_port: 5039
    trunk:
      call_limit: 8
      codecs: [g722, alaw]
      encryption: false
      port: 4579
    tunnel:
      backend: userspace
      interface: pbxlink-hq
      listen_port: 51821
      endpoints: ["pbx.example.com:51820", "[2001:db8::5]:51820"]
      mtu: 1380
      keepalive: 0
      paths: [openvpn-tcp, wireguard]
    openvpn:
      endpoints: ["pbx.example.com:443"]
      listen_port: 8443
      proxy: "192.168.1.3:3128"
    firewall:
      protect_iax: false
      allow_iax: [192.168.1.0/24, 192.0.2.1]
    exchange: {port: 4580}
    probe: {port: 862}
    paths: {state: "/srv/state dir", runtime: /srv/run}

    """

  private static func full() throws -> Configuration {
    var configuration = Configuration()
    configuration.numbers.extensions = try ExtensionPattern.parse("2XX,3[0-4]XX,1[5-9]X,2XX,3[0-4]X")
    configuration.numbers.emergency = try EmergencyNumbers(adding: ["115", "110"])
    configuration.asterisk.configurationDirectory = "/srv/asterisk/etc"
    configuration.asterisk.localContext = "local-extensions"
    configuration.asterisk.phoneContexts = ["phones", "from-internal"]
    configuration.asterisk.managerPort = 5039
    configuration.trunk.callLimit = 8
    configuration.trunk.codecs = ["g722", "alaw"]
    configuration.trunk.encryption = false
    configuration.trunk.port = 4579
    configuration.tunnel.backend = .userspace
    configuration.tunnel.interface = "pbxlink-hq"
    configuration.tunnel.listenPort = 51821
    configuration.tunnel.endpoints = ["pbx.example.com:51820", "[2001:db8::5]:51820"].compactMap {
      Endpoint($0)
    }
    configuration.tunnel.mtu = 1380
    configuration.tunnel.keepalive = 0
    configuration.tunnel.paths = [.openvpnTCP, .wireguard]
    configuration.openVPN.endpoints = ["pbx.example.com:443"].compactMap { Endpoint($0) }
    configuration.openVPN.listenPort = 8443
    configuration.openVPN.proxy = Endpoint("192.168.1.3:3128")
    configuration.firewall.protectIAX = false
    configuration.firewall.allowIAX = ["192.168.1.0/24", "192.0.2.1"].compactMap { IPPrefix($0) }
    configuration.exchangePort = 4580
    configuration.probePort = 862
    configuration.stateDirectory = "/srv/state dir"
    configuration.runtimeDirectory = "/srv/run"
    return configuration
  }

  @Test("every key is read")
  func readsEverything() throws {
    #expect(try SiteFile.parse(Self.everything, file: "f") == Self.full())
  }

  @Test(
    "an empty file, empty sections and comments mean the defaults",
    arguments: ["", "# nothing\n", "numbers:\ntrunk:\n", "{}", "---\n...\n"])
  func defaults(text: String) throws {
    #expect(try SiteFile.parse(text, file: "f") == Configuration())
  }

  @Test("the example reads back as what it was made from")
  func exampleRoundTrip() throws {
    for configuration in [Configuration(), try Self.full()] {
      let example = SiteFile.commentedExample(configuration)
      #expect(try SiteFile.parse(example, file: "f") == configuration, "\(example)")
    }
  }

  @Test("the example names every key once, and its commented values are right when uncommented")
  func exampleIsComplete() throws {
    let example = SiteFile.commentedExample(Configuration())
    for key in SiteFile.keys {
      #expect(example.contains("\n  #\(key.name): \(key.example)\n"), "\(key.path)")
    }
    let lines = example.split(separator: "\n").map {
      $0.hasPrefix("  #") && !$0.hasPrefix("  # ") ? "  \($0.dropFirst(3))" : $0
    }
    let uncommented = try SiteFile.parse(lines.joined(separator: "\n"), file: "f")
    #expect(uncommented.asterisk.localContext == "local-extensions")
    #expect(uncommented.numbers.extensions.map(\.description) == ["2XX"])
    #expect(uncommented.tunnel.mtu == 1420)
    #expect(uncommented.tunnel.paths == Configuration().tunnel.paths)
  }

  @Test(
    "what is wrong is named with line, column, key and remedy",
    arguments: [
      ("trunk:\n  prot: 4569\n", "f:2:3: trunk.prot: unknown key; did you mean 'port'?"),
      ("tunel:\n  mtu: 1420\n", "f:1:1: tunel: unknown key; did you mean 'tunnel'?"),
      ("trunk:\n  callLimit: 4\n", "f:2:3: trunk.callLimit: unknown key; did you mean 'call_limit'?"),
      (
        "exchange:\n  verbosity: 4\n", "f:2:3: exchange.verbosity: unknown key; expected one of port"
      ),
      ("trunk:\n  port: 0\n", "f:2:9: trunk.port: expected a whole number from 1 to 65535, found '0'"),
      (
        "trunk:\n  port: 65536\n", "f:2:9: trunk.port: expected a whole number from 1 to 65535, found '65536'"
      ),
      (
        "trunk:\n  port: \"4569\"\n",
        "f:2:9: trunk.port: expected a whole number from 1 to 65535, found \"4569\""
      ),
      ("trunk:\n  port:\n", "f:2:8: trunk.port: expected a whole number from 1 to 65535, found nothing"),
      (
        "trunk:\n  port: [4569]\n", "f:2:9: trunk.port: expected a whole number from 1 to 65535, found a list"
      ),
      ("trunk:\n  encryption: yes\n", "f:2:15: trunk.encryption: expected true or false, found 'yes'"),
      ("trunk: 4569\n", "f:1:8: trunk: expected keys such as call_limit, codecs, encryption, found '4569'"),
      ("- trunk\n", "f:1:1: expected keys such as numbers, asterisk, trunk, found a list"),
      (
        "trunk:\n  codecs: ulaw\n",
        "f:2:11: trunk.codecs: expected a list, such as [ulaw, alaw], found 'ulaw'"
      ),
      (
        "tunnel:\n  backend: magic\n",
        "f:2:12: tunnel.backend: expected auto or kernel or userspace, found 'magic'"
      ),
      (
        "tunnel:\n  mtu: 1279\n", "f:2:8: tunnel.mtu: expected a whole number from 1280 to 9000, found '1279'"
      ),
      (
        "paths:\n  state: var/lib\n",
        "f:2:10: paths.state: expected an absolute path, such as /var/lib/pbxlink, found 'var/lib'"
      ),
      (
        "firewall:\n  allow_iax: [10.0.0.0/8, 192.168.1.1/24]\n",
        "f:2:27: firewall.allow_iax: expected an IP prefix without host bits, such as 192.168.1.0/24, found '192.168.1.1/24'"
      ),
      (
        "numbers:\n  extensions:\n    - 2XX\n    - 3X.\n",
        "f:4:7: numbers.extensions: extension '3X.' refused: '.' stands for any number of digits; "
          + "write one X for each digit, such as 2XX"
      ),
      (
        "numbers:\n  extensions: [10-19, 11X]\n",
        "f:2:23: numbers.extensions: extension '11X' includes the emergency number 112: write 11[013-9] instead"
      ),
      (
        "numbers: {emergency: [\"2X\"]}\n",
        "f:1:23: numbers.emergency: expected an emergency number of 2 to 15 digits, such as \"115\", found \"2X\""
      ),
      (
        "trunk:\n  port: 4571\n",
        "f:2:9: probe.port: UDP port 4571 is also that of trunk.port; choose another one"
      ),
      (
        "openvpn:\n  listen_port: 4570\n",
        "f:2:16: openvpn.listen_port: TCP port 4570 is also that of exchange.port; choose another one"
      ),
      ("tunnel:\n  paths: []\n", "f:2:10: tunnel.paths: name one path at least, and each once"),
      (
        "tunnel:\n  paths: [relay]\n",
        "f:2:10: tunnel.paths: name a path to the relay too, such as wireguard"
      ),
      (
        "tunnel:\n  paths: [openvpn-tcp, openvpn-tcp]\n",
        "f:2:10: tunnel.paths: name one path at least, and each once"
      ),
      (
        "tunnel:\n  paths: [wireguard, carrier-pigeon]\n",
        "f:2:22: tunnel.paths: expected wireguard or openvpn-tcp or relay, found 'carrier-pigeon'"
      ),
      ("tunnel:\n  interface: pbxlink-7\n", "f:2:14: tunnel.interface: expected an interface name"),
      ("trunk:\n  port: 1\n  mtu: 2\n  port: 3\n", "f:4:3: port: given twice, first in line 2; keep one"),
      ("trunk:\nprobe:\ntrunk:\n", "f:3:1: trunk: given twice, first in line 1; keep one"),
      ("trunk:\n  codecs: &c [alaw]\n  <<: *c\n", "f:3:3: trunk.<<: unknown key; expected one of"),
      (
        "tunnel:\n  interface: eth0\n",
        "f:2:14: tunnel.interface: expected an interface name that begins with 'pbxlink'"
      ),
      ("tunnel:\n  interface: pbxlink0\\\"\n", "f:2:14: tunnel.interface: expected an interface name"),
      (
        "asterisk:\n  local_context: \"a]\\nb\"\n",
        "f:2:18: asterisk.local_context: expected the name of a dialplan"
      ),
    ])
  func refusal(text: String, message: String) {
    let error = #expect(throws: SiteFileError.self) { try SiteFile.parse(text, file: "f") }
    #expect(error?.description.hasPrefix(message) == true, "\(String(describing: error))")
  }

  @Test(
    "text that is not YAML is refused where it stops making sense",
    arguments: [
      ("trunk: [1\n", 2), ("a: b: c\n", 1), ("trunk:\n\tport: 1\n", 2), ("a: 1\n---\nb: 2\n", 2),
      ("trunk: *x\n", 1),
    ])
  func syntax(text: String, line: Int) {
    let error = #expect(throws: SiteFileError.self) { try SiteFile.parse(text, file: "f") }
    #expect(error?.line == line, "\(String(describing: error))")
    #expect(error?.problem.hasPrefix("not YAML") == true, "\(String(describing: error))")
  }

  @Test("a missing file and one that is not text say so")
  func unreadable() throws {
    let file = FileManager.default.temporaryDirectory.appending(path: "pbxlink-\(UUID().uuidString).yaml")
    let missing = #expect(throws: SiteFileError.self) { try SiteFile.read(file.path) }
    #expect(missing?.description == "\(file.path): no such file; 'pbxlink init' and 'pbxlink join' create it")
    try Data([0x74, 0xff, 0xfe]).write(to: file)
    defer { try? FileManager.default.removeItem(at: file) }
    let binary = #expect(throws: SiteFileError.self) { try SiteFile.read(file.path) }
    #expect(binary?.description.contains("UTF-8") == true)
    try Data(Self.everything.utf8).write(to: file)
    #expect(try SiteFile.read(file.path) == Self.full())
  }
}
