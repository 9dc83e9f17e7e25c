// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: pbxlink contributors

internal import Logging
internal import PBXLinkCore

extension Engine {
  /// Between two looks at whether a test call is due; so many links are tested in five minutes at most.
  private static let testCallPause = Duration.seconds(2)

  /// Places a test call where one is due, one after another.
  func placeTestCalls() async throws {
    while true {
      try await Task.sleep(for: Self.testCallPause)
      guard let agent, let planes, let probes = pathProbes, !isDown, !isJoining else { continue }
      let (linked, trunk) = (agent.linkedSites(at: Self.clock()), lastReport.trunk?.peers ?? [:])
      testCalls.keep(Set(linked.map(\.name)))
      let ready = linked.reduce(into: [:]) { $0[$1.name] = testablePath(to: $1, agent, trunk)?.since }
      guard let site = testCalls.next(among: ready, at: probes.now) else { continue }
      do {
        guard try await planes.trunk.liveCalls()[site] ?? 0 == 0 else {
          testCalls.postpone(site, at: probes.now)
          continue
        }
        try await placeTestCall(to: site, planes)
      } catch {
        // What keeps Asterisk from being asked stands in status already.
        testCalls.postpone(site, at: probes.now)
        logger.debug("test call to \(site): \(error)")
      }
    }
  }

  /// The path to a site, if the link is up as far as can be told without a call.
  /// - Parameter trunk: what Asterisk says of each site.
  func testablePath(to site: Site, _ agent: Agent, _ trunk: [SiteName: String]) -> PathState? {
    guard let path = pathStates[site.name]?[agent.path(to: site)], path.isUp || path.isOnlyAgentSilent,
      let trunk = trunk[site.name]
    else { return nil }
    return QualifyStatus(trunk).isReachable ? path : nil
  }

  func placeTestCall(to site: SiteName, _ planes: Planes) async throws {
    let start = ContinuousClock.now
    let outcome = try await planes.trunk.probe(site)
    guard let moment = pathProbes?.now else { return }
    guard let outcome else { return testCalls.postpone(site, at: moment) }
    let call = TestCall(outcome, after: ContinuousClock.now - start, at: Self.clock())
    guard testCalls.note(call, to: site, at: moment) else { return }
    journal(
      outcome == .answered
        ? JournalEntry(.callsTaken, site: site, "site '\(site)' takes test calls again")
        : JournalEntry(.callsRefused, site: site, "site '\(site)' does not take test calls: \(outcome.words)")
    )
  }
}
