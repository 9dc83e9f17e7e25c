// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: pbxlink contributors

internal import PBXLinkCore

extension Engine {
  /// `why`: one look at each plane, and a test call; nothing changed.
  func why(_ text: String) async throws -> LinkDiagnosis {
    let agent = try member()
    guard let name = SiteName(text) else { throw AgentError.siteNameInvalid(text) }
    let now = Self.clock()
    let planes = try await openPlanes()
    let site = agent.sites(at: now).first { $0.name == name }
    let address = site?.membership.addresses.first
    let trunk = await HostExamination.look { try await planes.trunk.observe() }
    var evidence = LinkEvidence(
      tunnel: await HostExamination.look {
        marked(try await planes.tunnel.observe(interface: planes.interface))
      },
      openVPN: await HostExamination.look { try await planes.openVPN.observe() },
      route: nil,
      firewall: await HostExamination.look { try await planes.firewall.observe() },
      // Only a supplement to the line on the table, which says why nft does not answer.
      counters: try? await planes.firewall.counters(), trunk: trunk,
      calls: await HostExamination.look {
        trunk.value?.isRunning == true ? try await planes.trunk.liveCalls()[name] ?? 0 : 0
      })
    if let address {
      evidence.route = await HostExamination.look {
        try await RouteLookup.interface(towards: address).map { .interface($0) } ?? .none
      }
    }
    await lookAtPaths()
    let linked = agent.linkedSite(name, at: Self.clock())
    let mayCall =
      evidence.calls.value == 0
      && linked.flatMap { testablePath(to: $0, agent, lastReport.trunk?.peers ?? [:]) } != nil
    evidence.testCall = await HostExamination.look {
      if mayCall { try await placeTestCall(to: name, planes) }
      return testCalls.last[name]
    }
    evidence.paths = pathStates[name] ?? [:]
    evidence.figures = await pathProbes?.figures[name] ?? [:]
    evidence.clockProblem = clockError(now)?.message
    evidence.isDown = isDown
    evidence.failures = Dictionary(
      lastReport.failures.map { ($0.plane.rawValue, $0.error) }, uniquingKeysWith: { first, _ in first })
    evidence.waiting = Set(lastReport.waiting.map(\.plane))
    return try LinkDiagnosis(of: name, by: agent, seeing: evidence, at: now)
  }
}
