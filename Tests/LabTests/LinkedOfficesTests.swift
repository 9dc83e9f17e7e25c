// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: pbxlink contributors

import FoundationEssentials
import LinkLab
import PBXLinkCore
import Testing

@Suite("Linked offices", .serialized, .timeLimit(.minutes(10)), .offices("test-linked", isLinked: true))
struct LinkedOfficesTests {
  let mesh: LinkedLab

  init() throws { mesh = try #require(LinkedLab.current) }

  @Test(
    "calls go both ways, over IAX2 between tunnel addresses, with the caller's number",
    arguments: [("paris", "301"), ("lyon", "201"), ("paris", "401"), ("nice", "201")])
  func calls(from site: String, to number: String) async throws {
    let record = try await mesh.lab.call(from: mesh.lab.office(named: site), to: number)
    #expect(record.gaps(interface: "pbxlink0").isEmpty, "\(record.gaps(interface: "pbxlink0"))")
  }

  @Test("every office has proven by a test call that the others take its calls")
  func testCalls() async throws {
    for office in mesh.lab.offices {
      try await wait(for: "the test calls of \(office.name)", upTo: .seconds(60)) {
        try await office.status().peers.allSatisfy { $0.testCall?.outcome == .answered } ? () : nil
      }
      #expect(try await office.status().peers.count == 2)
    }
  }

  @Test("when everything is applied the plan is empty")
  func emptyPlan() async throws {
    for office in mesh.lab.offices {
      #expect(try await office.plan().lines() == ["Nothing to change in tunnel, firewall and trunks."])
    }
  }

  @Test("the plan shows what an edited site file would change, and 'apply' changes that")
  func editedSiteFile() async throws {
    let lyon = try mesh.lyon
    let path = "/etc/pbxlink/pbxlink.yaml"
    let before = try lyon.read(path)
    try await lyon.write(before + "trunk:\n  call_limit: 3\n", to: path)
    let planned = try await lyon.plan().steps
    #expect(!planned.isEmpty && planned.allSatisfy { $0.plane == "trunk" && $0.expectedGap == 0 })
    #expect(!(try lyon.read("/etc/asterisk/pbxlink/extensions.conf").contains("plk_paris,paris,3)")))
    let applied = try await lyon.run(["pbxlink", "apply", "--json"]).checked().json(Plan.self)
    #expect(applied.steps == planned)
    #expect(try lyon.read("/etc/asterisk/pbxlink/extensions.conf").contains("plk_paris,paris,3)"))
    #expect(try await lyon.plan().steps.isEmpty)
    try await lyon.write(before, to: path)
    try await lyon.signalAgent("HUP")
    try await wait(for: "the agent to take the file", upTo: .seconds(10)) {
      try lyon.read("/etc/asterisk/pbxlink/extensions.conf").contains("plk_paris,paris,4)") ? () : nil
    }
    try await mesh.waitForLink(mesh.paris, lyon)
  }

  @Test("a caller with the right user and secret from another site's address is refused")
  func stolenSecret() async throws {
    let (paris, lyon, nice) = (try mesh.paris, try mesh.lyon, try mesh.nice)
    let file = try paris.read("/etc/asterisk/pbxlink/iax.conf")
    let section = try #require(file.split(separator: "[plk_lyon.k1_1]").last)
    let secret = try #require(section.firstMatch(of: /secret=([0-9a-f]+)/)?.1)
    let address = try #require(try await paris.status().site.addresses.first)
    let thief = """

      [thief]
      type=peer
      host=\(address)
      username=plk_lyon.k1_1
      secret=\(secret)
      auth=md5
      encryption=aes128
      disallow=all
      allow=ulaw

      """
    for office in [nice, lyon] {
      try await office.shell("cat >>/etc/asterisk/iax.conf", input: thief).checked()
      _ = try await office.asterisk("iax2 reload")
    }
    #expect(try await dial("201", over: "thief", from: nice).isAnswered == false)
    try await paris.shell("grep 'IAX2 user ACL: Rejecting' /var/log/asterisk/messages*")
      .checked()
    #expect(try await dial("201", over: "thief", from: lyon).isAnswered)
    for office in [nice, lyon] {
      try await office.hangUpAll()
      try await office.shell("sed -i '/^\\[thief\\]/,$d' /etc/asterisk/iax.conf").checked()
      try await office.run(["pbxlink", "apply"]).checked()
    }
    try await wait(for: "paris to be idle", upTo: .seconds(10)) {
      try await paris.channels().isEmpty ? () : nil
    }
  }

  @Test(
    "a peer reaches an extension and neither an outbound route, an emergency number nor another context",
    arguments: [
      ("201", true), ("9123", false), ("911", false), ("112", false), ("9911", false), ("555", false),
      ("201@phones", false), ("201@local-extensions", false), ("9123@pstn-out", false),
      ("201@plk-outbound", false),
    ])
  func destinations(target: String, isReached: Bool) async throws {
    let (paris, lyon) = (try mesh.paris, try mesh.lyon)
    #expect(try await dial(target, over: "plk_paris", from: lyon).isAnswered == isReached)
    #expect(try await paris.channels().isEmpty == !isReached)
    try await lyon.hangUpAll()
    try await wait(for: "paris to be idle", upTo: .seconds(10)) {
      try await paris.channels().isEmpty ? () : nil
    }
  }

  /// Calls what an honest dialplan would not, with the variables that an honest one sets.
  private func dial(_ target: String, over peer: String, from office: Office) async throws -> CallAttempt {
    let dialplan = """
      [attack]
      exten => 700,1,Set(IAXVAR(plk_ttl)=4)
       same => n,Set(IAXVAR(plk_path)=/\(office.name)/)
       same => n,Dial(IAX2/\(peer)/\(target),10)

      """
    try await office.write(dialplan, to: "/etc/asterisk/attack.conf")
    try await office.shell(
      "grep -q attack.conf /etc/asterisk/extensions.conf || sed -i '1i #include attack.conf' /etc/asterisk/extensions.conf"
    ).checked()
    _ = try await office.asterisk("dialplan reload")
    return try await office.dial("700", context: "attack")
  }

  @Test("one call more than the limit is refused, whichever side places it")
  func callLimit() async throws {
    let (paris, lyon) = (try mesh.paris, try mesh.lyon)
    for _ in 0..<2 {
      _ = try await paris.call("301")
      _ = try await lyon.call("201")
    }
    for (office, number) in [(paris, "301"), (lyon, "201")] {
      guard case .ended(let end) = try await office.dial(number) else {
        Issue.record("the fifth call was answered")
        continue
      }
      #expect(end.cause == 34)
    }
    #expect(try await paris.status().peers.first { $0.name == "lyon" }?.calls == 4)
    try await paris.hangUpAll()
    try await lyon.hangUpAll()
  }

  @Test("an agent that is killed in a call leaves the call up, and starts again with nothing to change")
  func killedAgent() async throws {
    let paris = try mesh.paris
    let call = try await paris.call("301")
    let before = try await mesh.lab.record(of: call).caller.uniqueID
    try await paris.stopAgent("KILL")
    #expect(try await mesh.lab.record(of: call).caller.uniqueID == before)
    try await paris.startAgent()
    #expect(try await paris.plan().lines() == ["Nothing to change in tunnel, firewall and trunks."])
    #expect(try await mesh.lab.record(of: call).caller.uniqueID == before)
    #expect(!(try String(contentsOfFile: paris.log("agent"), encoding: .utf8)).isEmpty)
    try await call.hangUp()
  }

  @Test("SIGTERM ends the agent and leaves the links up")
  func terminatedAgent() async throws {
    let lyon = try mesh.lyon
    try await lyon.stopAgent("TERM")
    let record = try await mesh.lab.call(from: lyon, to: "201")
    #expect(record.gaps(interface: "pbxlink0").isEmpty)
    try await lyon.startAgent()
  }

  @Test(
    "what somebody else breaks is repaired",
    arguments: [
      "nft delete table inet pbxlink", "nft add element inet pbxlink members_v4 { 192.0.2.1 }",
      "ip link delete pbxlink0", "ip route del 10.77.0.0/16 dev pbxlink0", "kill -9 $(pidof wireguard-go)",
      "rm /etc/asterisk/pbxlink/iax.conf", "sed -i /pbxlink/d /etc/asterisk/extensions.conf",
    ])
  func drift(damage: String) async throws {
    let lyon = try mesh.lyon
    try await lyon.shell(damage).checked()
    try await wait(for: "the repair of '\(damage)'", upTo: .seconds(40)) {
      let plan = try await lyon.plan()
      return plan.steps.isEmpty && plan.unknown.isEmpty ? () : nil
    }
    try await mesh.waitForLink(mesh.paris, lyon)
    #expect(try await mesh.lab.call(from: lyon, to: "201").gaps(interface: "pbxlink0").isEmpty)
  }

  @Test("IAX2 on a public address answers nobody, and at the tunnel address it answers members")
  func protectedPort() async throws {
    let (paris, lyon) = (try mesh.paris, try mesh.lyon)
    let tunnel = try #require(try await paris.status().site.addresses.first)
    // An IAX2 POKE (RFC 5456 §8.1), which any Asterisk answers with a PONG.
    let poke = """
      import socket, sys
      s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
      s.settimeout(2)
      s.sendto(bytes.fromhex('80010000000000000000061e'), (sys.argv[1], 4569))
      try: print('answered' if s.recv(100) else '')
      except TimeoutError: print('silence')
      """
    let outside = try await lyon.run(["python3", "-c", poke, "198.51.100.10"]).checked()
    #expect(outside.standardOutput == "silence\n")
    let inside = try await lyon.run(["python3", "-c", poke, tunnel]).checked()
    #expect(inside.standardOutput == "answered\n")
  }

  @Test("an exported descriptor verifies with an independent JWS library, and an altered one does not")
  func independentVerification() async throws {
    let python = Repository.path(".build/python/bin/python3")
    let export = try await mesh.paris.run(["pbxlink", "descriptor", "export", "lyon", "--json"]).checked()
    let verify = [python, Repository.path("Tests/LabTests/verify_jws.py")]
    let good = try await mesh.paris.run(verify, input: export.standardOutput).checked()
    #expect(good.standardOutput.contains("\"extensions\": [\"3XX\"]"))
    let altered = export.standardOutput.replacing(/"jws" : "([^.]+)\.(.)/) {
      "\"jws\" : \"\($0.1).\($0.2 == "e" ? "f" : "e")"
    }
    #expect(try await mesh.paris.run(verify, input: altered).status == 1)
  }

  @Test("documents travel by file and are verified without an agent")
  func documentFiles() async throws {
    let (paris, lyon) = (try mesh.paris, try mesh.lyon)
    let export = try await paris.run(["pbxlink", "descriptor", "export", "--all"]).checked().standardOutput
    let again = try await lyon.run(["pbxlink", "descriptor", "import", "-"], input: export).checked()
    #expect(again.standardOutput == "0 new\n")
    let authority = try await paris.status().mesh.authority
    let offline = ["pbxlink", "descriptor", "verify", "-", "--mesh", "acme", "--authority", authority]
    try await lyon.run(offline, input: export).checked()
    let signature = export.index(after: try #require(export.lastIndex(of: ".")))
    var altered = export
    altered.replaceSubrange(signature...signature, with: export[signature] == "A" ? "B" : "A")
    let refused = try await lyon.run(["pbxlink", "descriptor", "import", "-"], input: altered)
    #expect(refused.status == 65)
    #expect(try await lyon.run(offline, input: altered).status == 65)
  }

  @Test("a router that the site file lists is watched by BFD, and its coming and going is in the journal")
  func router() async throws {
    let paris = try mesh.paris
    // BIRD in a namespace of its own on a cable to paris.
    let peers = Repository.path(".build/peers")
    let configuration = """
      router id 192.0.2.2;
      protocol device {}
      protocol bfd { neighbor 192.0.2.1 dev "lan"; }
      """
    try await paris.shell("cat >/run/bird.conf", input: configuration).checked()
    try await paris.shell(
      """
      ip netns add router
      ip link add lan type veth peer name lan netns router
      ip address add 192.0.2.1/24 dev lan
      ip link set lan up
      ip -n router address add 192.0.2.2/24 dev lan
      ip -n router link set lan up
      LD_LIBRARY_PATH=\(peers)/usr/lib/x86_64-linux-gnu ip netns exec router \
        \(peers)/usr/sbin/bird -c /run/bird.conf -s /run/bird.ctl -P /run/bird.pid
      cp /etc/pbxlink/pbxlink.yaml /run/former.yaml
      printf 'bfd:\\n  neighbors: [192.0.2.2]\\n' >>/etc/pbxlink/pbxlink.yaml
      """
    ).checked()
    try await paris.run(["pbxlink", "apply"]).checked()
    func become(_ state: String) async throws {
      try await wait(for: "the router to be \(state)", upTo: .seconds(20)) {
        try await paris.status().neighbors?.first?.state == state ? () : nil
      }
    }
    try await become("up")
    try await paris.shell("kill -KILL $(cat /run/bird.pid)").checked()
    try await become("down")
    let log = try String(contentsOfFile: paris.log("agent"), encoding: .utf8)
    #expect(log.contains("event=neighbor_up") && log.contains("event=neighbor_down"))
    #expect(log.contains("router 192.0.2.2 is down (BFD): nothing came for a detection time"))
    #expect(try await paris.status(of: mesh.lyon).state == .up, "links are their own affair")
    try await paris.shell("cp /run/former.yaml /etc/pbxlink/pbxlink.yaml; ip netns delete router").checked()
    try await paris.run(["pbxlink", "apply"]).checked()
    try await wait(for: "BFD to be off", upTo: .seconds(5)) {
      let ports = try await paris.run(["ss", "-Hulna"]).checked().standardOutput
      return try await paris.status().neighbors == [] && !ports.contains(":3784") ? () : nil
    }
  }

  @Test("doctor finds no error in a linked office")
  func doctor() async throws {
    for office in mesh.lab.offices {
      let result = try await office.run(["pbxlink", "doctor"])
      #expect(result.status == 0, "\(result.standardOutput)")
    }
  }

  @Test("no secret is in the status, the agent's log or the process list")
  func secrets() async throws {
    let paris = try mesh.paris
    let secrets = try await paris.shell("grep -rhoE 'secret=[0-9a-f]+' /etc/asterisk/pbxlink | cut -d= -f2")
      .checked()
    let values = secrets.standardOutput.split(separator: "\n")
    #expect(values.count >= 5)
    let visible =
      try await paris.shell("pbxlink status --json; pbxlink plan; pbxlink descriptor export --all; ps axe")
      .checked()
      .standardOutput + String(contentsOfFile: paris.log("agent"), encoding: .utf8)
    for value in values { #expect(!visible.contains(value)) }
  }
}

extension CallAttempt {
  var isAnswered: Bool { if case .answered = self { true } else { false } }
}
