// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: pbxlink contributors

import FoundationEssentials
import LinkLab
import PBXLinkCore
import Testing

/// The offices of a folder of sites/, with agents; a suite gets one lab for all its tests.
struct LinkedLab: Sendable {
  /// The lab of the running suite.
  @TaskLocal static var current: LinkedLab?

  let lab: Lab

  var paris: Office { get throws { try lab.office(named: "paris") } }
  var lyon: Office { get throws { try lab.office(named: "lyon") } }
  var nice: Office { get throws { try lab.office(named: "nice") } }
  var rome: Office { get throws { try lab.office(named: "rome") } }

  /// What an admin types at the first office to start the mesh.
  func found() async throws {
    try await paris.run(["pbxlink", "init", "--mesh", "acme", "--site", "paris"]).checked()
  }

  /// Invites an office and gives the line.
  func invitation(for office: Office, extensions: String) async throws -> String {
    let result = try await paris.run(
      ["pbxlink", "add-site", office.name.description, "--extensions", extensions, "--json"]
    ).checked()
    return try result.json(Invited.self).invitation
  }

  /// Invites and joins, until both ends say that the link is up.
  func link(_ office: Office, extensions: String) async throws {
    try await office.run(["pbxlink", "join", invitation(for: office, extensions: extensions)]).checked()
    try await waitForLink(paris, office)
  }

  /// Waits until both ends say that their link is up.
  func waitForLink(_ one: Office, _ other: Office) async throws {
    for (here, there) in [(one, other), (other, one)] {
      try await wait(for: "\(here.name) to have a link to \(there.name)", upTo: .seconds(30)) {
        try await here.status().peers.contains { $0.name == there.name.description && $0.state == .up }
          ? () : nil
      }
    }
  }

  /// A call that is answered, soon: Asterisk refuses calls for some seconds after a POKE was lost.
  func answeredCall(
    from office: Office, to number: String, within limit: Duration = .seconds(20)
  ) async throws -> CallRecord {
    try await wait(for: "a call from \(office.name) to be answered", upTo: limit) {
      do {
        return try await lab.call(from: office, to: number)
      } catch LabError.call {
        return nil
      }
    }
  }

  private struct Invited: Decodable {
    let invitation: String
  }
}

extension Office {
  /// What `pbxlink status --json` says.
  func status() async throws -> StatusSnapshot {
    try await run(["pbxlink", "status", "--json"]).checked().json(StatusSnapshot.self)
  }

  /// What it says of one of the other sites.
  func status(of site: Office) async throws -> PeerStatus {
    try #require(try await status().peers.first { $0.name == site.name.description })
  }

  /// Waits until calls with another site take a path.
  func waitForPath(_ path: String, to site: Office, upTo limit: Duration = .seconds(60)) async throws {
    try await wait(for: "\(name) to reach \(site.name) by \(path)", upTo: limit) {
      try await status(of: site).path?.hasPrefix(path) == true ? () : nil
    }
  }

  /// What `pbxlink plan --json` says.
  func plan() async throws -> Plan {
    try await run(["pbxlink", "plan", "--json"]).checked().json(Plan.self)
  }

  /// Runs a shell script as root in the office.
  @discardableResult
  func shell(_ script: String, input: String = "") async throws -> CommandResult {
    try await run(["sh", "-ec", script], input: input)
  }

  /// A channel that is up, to tell later whether it is still the same one.
  func liveTrunkChannels(with site: String) async throws -> [Channel] {
    try await channels().filter { $0.name.hasPrefix("IAX2/plk_\(site)") }
  }
}

extension CommandResult {
  /// Standard output as JSON.
  func json<Value: Decodable>(_ type: Value.Type) throws -> Value {
    try JSONDecoder().decode(type, from: Data(standardOutput.utf8))
  }
}

/// Brings a lab up for a suite and takes it down after its last test.
struct LabScope: SuiteTrait, TestScoping {
  let name: String
  let sites: String
  /// The offices that join, in this order, and their extensions.
  let joining: [(office: String, extensions: String)]
  /// An office that gets a public address, whatever the lab file says.
  var withPublicAddress: String?
  /// Whether the offices are the first two, with a Debian of their own and neither `pbxlink` nor a site file.
  var areServers = false

  @concurrent func provideScope(
    for test: Test, testCase: Test.Case?, performing function: @Sendable @concurrent () async throws -> Void
  ) async throws {
    var file = try LabFile(path: Repository.path("sites/\(sites)/lab.yaml"))
    for index in file.offices.indices where file.offices[index].name.description == withPublicAddress {
      file.offices[index].network = .public
    }
    var options = Lab.Options(binaries: Repository.binaries)
    if areServers {
      (options.binaries, options.areServers) = (nil, true)
      file.offices = file.offices.prefix(2).map {
        var office = $0
        office.siteFile = nil
        return office
      }
    }
    let lab = try await Lab.up(file, name: name, options: options)
    do {
      let linked = LinkedLab(lab: lab)
      if !joining.isEmpty { try await linked.found() }
      for (office, extensions) in joining {
        try await linked.link(lab.office(named: office), extensions: extensions)
      }
      try await LinkedLab.$current.withValue(linked) { try await function() }
    } catch {
      for office in lab.offices {
        let log = (try? String(contentsOfFile: office.log("agent"), encoding: .utf8)) ?? ""
        print("--- agent of \(office.name)\n" + log.split(separator: "\n").suffix(40).joined(separator: "\n"))
      }
      try await Lab.down(name)
      throw error
    }
    try await Lab.down(name)
  }
}

extension Trait where Self == LabScope {
  /// Three offices with agents, and links from paris to both others if asked for.
  static func offices(_ name: String, isLinked: Bool) -> Self {
    LabScope(
      name: name, sites: "three-offices", joining: isLinked ? [("lyon", "3XX"), ("nice", "4XX")] : [])
  }

  /// Paris and Lyon, linked, both with public addresses, and Nice, a stranger yet.
  static func twoPublicOffices(_ name: String) -> Self {
    LabScope(
      name: name, sites: "three-offices", joining: [("lyon", "3XX")], withPublicAddress: "lyon")
  }

  /// Paris and Lyon, strangers that do not know pbxlink yet.
  static func servers(_ name: String) -> Self {
    LabScope(name: name, sites: "three-offices", joining: [], areServers: true)
  }

  /// Paris and Lyon of sites/udp-blocked, strangers yet.
  static func strangersWithoutUDP(_ name: String) -> Self {
    LabScope(name: name, sites: "udp-blocked", joining: [])
  }

  /// Paris and Lyon of sites/udp-blocked, linked.
  static func udpBlockedOffices(_ name: String) -> Self {
    LabScope(name: name, sites: "udp-blocked", joining: [("lyon", "3XX")])
  }
}
