// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: pbxlink contributors

import FoundationEssentials
import PBXLinkCore
import PBXLinkSystem

/// What an answer to monitoring costs with many links that are up, against the same status as JSON.
struct MonitoringBenchmark {
  private static let count = 500
  private static let rounds = 21
  private let agent: Agent
  private let surroundings: StatusSnapshot.Surroundings
  private let measured: Measurements
  private let now = Timestamp(seconds: 1_800_000_000)

  init() throws {
    let directory = "/tmp/pbxlink-bench-monitoring"
    try? FileManager.default.removeItem(atPath: directory)
    defer { try? FileManager.default.removeItem(atPath: directory) }
    let keys = try KeyFiles(directory: directory).createAgentKeys(authority: true)
    guard let authority = keys.authority, let name = MeshName("acme"), let site = SiteName("paris"),
      let network = IPPrefix("10.77.0.0/16")
    else { throw Command.Failure(description: "no mesh") }
    let cryptography = OpenSSLCryptography()
    var agent = try Agent.found(
      mesh: name, site: site, network: network, localPrefixes: [], configuration: Configuration(), keys: keys,
      cryptography: cryptography, at: now
    ).agent
    for number in 0..<Self.count {
      let sample = try SampleSite(
        number, of: agent.mesh.identity, signedBy: authority, using: cryptography, at: now)
      _ = agent.receive([sample.descriptor], from: nil, at: now)
    }
    let sites = agent.linkedSites(at: now)
    guard sites.count == Self.count else { throw Command.Failure(description: "\(sites.count) links") }
    var tunnel = ObservedTunnel(interface: "pbxlink0", link: .up)
    var figures = LinkFigures()
    (figures.answers, figures.roundTripLossRatio) = (120, 0.001)
    figures.roundTrip = (.milliseconds(20), .microseconds(21_250), .milliseconds(33))
    (figures.transmit.lossRatio, figures.receive.lossRatio) = (0, 0.001)
    (figures.transmit.jitter, figures.receive.jitter) = (.microseconds(300), .microseconds(450))
    var surroundings = StatusSnapshot.Surroundings(started: now)
    var measured = Measurements()
    for site in sites {
      guard let key = site.descriptor?.wireguard.publicKey else { continue }
      tunnel.peers[key] = .init(
        allowedIPs: Set(site.membership.addresses.map(IPPrefix.init(host:))), lastHandshake: now)
      surroundings.paths[site.name] = [.wireguard: PathState(.up, since: .zero, roundTrip: .milliseconds(21))]
      surroundings.figures[site.name] = [.wireguard: figures]
      measured.probes[site.name] = [.wireguard: ProbeCounters()]
    }
    surroundings.tunnel = tunnel
    (self.agent, self.surroundings, self.measured) = (agent, surroundings, measured)
  }

  func run() throws {
    var times: [String: [Duration]] = [:]
    func time<Result>(_ what: String, _ body: () throws -> Result) rethrows -> Result {
      let start = ContinuousClock.now
      let result = try body()
      times[what, default: []].append(ContinuousClock.now - start)
      return result
    }
    var sizes: [String: Int] = [:]
    for _ in 0..<Self.rounds {
      let status = time("status") { StatusSnapshot(of: agent, in: surroundings, at: now) }
      sizes["metrics"] =
        time("metrics") {
          var writer = MetricsWriter(.prometheus)
          status.write(measured, to: &writer)
          return writer.text
        }.count
      sizes["page"] =
        time("page") {
          StatusPage(status, rows: [:], pasts: [:], calls: [:], events: [], at: now).main.markup
        }.utf8.count
      sizes["json"] = try time("json") { try JSONEncoder().encode(status) }.count
    }
    func median(_ what: String) -> Duration { times[what, default: []].median }
    print("| what, with \(Self.count) links | pbxlink | the status as JSON | ratio | target |")
    print("|---|---|---|---|---|")
    print(
      Row(
        "an answer to `/metrics`, \(sizes["metrics"] ?? 0) bytes", median("metrics"), median("json"),
        target: "5 ms"))
    print(Row("the status that it shows, made each ten seconds", median("status"), median("json")))
    print(Row("a refresh of the page, \(sizes["page"] ?? 0) bytes", median("page"), median("json")))
  }
}
