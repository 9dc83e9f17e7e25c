// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: pbxlink contributors

extension StatusSnapshot {
  /// What the daemon knows besides the agent's own state.
  public struct Surroundings: Sendable {
    /// The tunnel as it is.
    public var tunnel: ObservedTunnel?
    /// OpenVPN as it is.
    public var openVPN: ObservedOpenVPN?
    /// What the probes of paths show.
    public var paths: [SiteName: [TunnelPath: PathState]] = [:]
    /// What they have measured within the last minute.
    public var figures: [SiteName: [TunnelPath: LinkFigures]] = [:]
    /// Asterisk as it is.
    public var trunk: ObservedTrunk?
    /// Calls now, by site.
    public var calls: [SiteName: Int] = [:]
    /// Since when each link is in its state.
    public var linkStates: LinkStates?
    /// The test calls placed so far.
    public var testCalls = TestCallSchedule()
    /// The routers outside the mesh that we run BFD with.
    public var neighbors: [NeighborStatus] = []
    /// What is not well, one sentence each.
    public var problems: [String] = []
    /// The tunnel's implementation and why it was taken.
    public var backend: (name: String, reason: String)?
    /// Since when the agent runs.
    public var started: Timestamp
    /// Whether the links were taken down.
    public var isDown = false

    /// Surroundings of which nothing is known yet.
    public init(started: Timestamp) { self.started = started }
  }

  /// Seconds after its start in which an agent may well have reached nobody.
  private static let isolationPatience: Int64 = 600
  /// Whoever is removed from the mesh is told by nobody: all others have cut it off before.
  private static let isolation =
    "no other site can be reached: check this server's network; if that is well, ask where the authority is whether "
    + "'pbxlink sites' there says that this site was removed"

  /// The status of a site.
  public init(of agent: Agent, in surroundings: Surroundings, at now: Timestamp) {
    let own = agent.ownSite(at: now)
    let trunks = surroundings.trunk?.peers ?? [:]
    let others = agent.sites(at: now).filter { $0.identity != agent.identity }.map { site in
      var status = PeerStatus(
        site, isDisabled: surroundings.isDown,
        tunnel: site.descriptor.flatMap { surroundings.tunnel?.peer(of: $0.wireguard) },
        paths: agent.linkPaths(
          to: site, states: surroundings.paths[site.name] ?? [:],
          figures: surroundings.figures[site.name] ?? [:], openVPN: surroundings.openVPN),
        trunk: trunks[site.name].map(QualifyStatus.init),
        testCall: surroundings.testCalls.last[site.name],
        areCallsRefused: surroundings.testCalls.refusing.contains(site.name),
        calls: surroundings.calls[site.name] ?? 0,
        callLimit: min(site.descriptor?.trunk.callLimit ?? 0, agent.configuration.trunk.callLimit),
        canBeReached: !agent.configuration.tunnel.endpoints.isEmpty, at: now)
      status.since = surroundings.linkStates?.since(site.name, status.state)?.description
      return status
    }
    let invited = agent.invitations.filter { $0.redeemedBy == nil }.map { PeerStatus(invited: $0) }
    let isIsolated =
      now - surroundings.started >= Self.isolationPatience && others.contains { $0.state == .down }
      && others.allSatisfy { [.down, .pending, .conflict].contains($0.state) }
    self.init(
      time: now.description,
      mesh: MeshStatus(
        name: agent.mesh.identity.name.description, authority: agent.directory.authority.description,
        networks: agent.mesh.networks.map(\.description)),
      site: SiteStatus(
        name: agent.mesh.site.description, addresses: (own?.membership.addresses ?? []).map(\.description),
        extensions: (own?.extensions ?? []).map(\.description), revoked: agent.isRevoked),
      agent: AgentStatus(
        version: Version.current, since: surroundings.started.description,
        tunnelBackend: surroundings.backend?.name, tunnelBackendReason: surroundings.backend?.reason,
        // The program tells its version whether it runs or not.
        asteriskVersion: surroundings.trunk.flatMap { $0.isRunning ? $0.version : nil }?.description,
        problems: agent.trustProblems + surroundings.problems + agent.alarms(at: now)
          + (isIsolated ? [Self.isolation] : []),
        isDown: surroundings.isDown),
      peers: (others + invited).sorted { $0.name < $1.name }, neighbors: surroundings.neighbors)
  }
}
