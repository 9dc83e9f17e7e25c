// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: pbxlink contributors

internal import PBXLinkCore

extension Engine {
  /// `status`: a fresh look at the planes, nothing changed.
  func status() async throws -> StatusSnapshot {
    let agent = try member()
    let now = Self.clock()
    let planes = try await openPlanes()
    let desired = try agent.desiredState(at: now)
    let report = await planes.plan(desired, at: now)
    await lookAtPaths()
    return try await status(report, warnings(desired, report), at: now) {
      try await liveCalls(planes, report.trunk)
    }
  }

  /// The status as the last look at the planes has shown it, ten seconds ago at most while nothing is amiss: for
  /// monitoring, which may ask often.
  func lastStatus() async throws -> StatusSnapshot {
    await lookAtPaths()
    return try await status(lastReport, lastWarnings, at: Self.clock()) { try await recentCalls() }
  }

  private func status(
    _ report: Planes.Report, _ warnings: [String], at now: Timestamp,
    calls: () async throws -> [SiteName: Int]
  ) async throws -> StatusSnapshot {
    let planes = try await openPlanes()
    var surroundings = surroundings(report)
    surroundings.figures = await pathProbes?.figures ?? [:]
    do {
      surroundings.calls = try await calls()
    } catch {
      surroundings.problems.append("calls cannot be counted: \(error)")
    }
    let agent = try member()
    surroundings.problems +=
      report.plan.unknown + warnings
      + [storeProblem, exchangeProblem, agent.restoreProblem, historyProblem].compactMap(\.self)
      + monitoringProblems.values.sorted() + lastReport.problems(besides: report) + (await probeProblems())
      + (await bfd.problems) + (await hookProblems())
    surroundings.neighbors = await bfd.statuses(at: now)
    surroundings.backend = (planes.tunnel.name.rawValue, backendReason ?? "")
    return StatusSnapshot(of: agent, in: surroundings, at: now)
  }

  /// What the engine knows of the links, without asking anything.
  func surroundings(_ report: Planes.Report) -> StatusSnapshot.Surroundings {
    var surroundings = StatusSnapshot.Surroundings(started: started)
    surroundings.tunnel = marked(report.tunnel)
    surroundings.openVPN = report.openVPN
    surroundings.trunk = report.trunk
    surroundings.paths = pathStates
    surroundings.linkStates = linkStates
    surroundings.testCalls = testCalls
    surroundings.isDown = isDown
    return surroundings
  }

  /// What to warn of beside a state that is to be.
  func warnings(_ desired: DesiredState, _ report: Planes.Report) -> [String] {
    desired.problems
      + (report.trunk.map { desired.trunk.warnings(for: $0, port: configuration.trunk.port) } ?? []).map(
        \.description)
  }

  /// Calls now, as Asterisk tells of them; while it does not, counted at most once in five seconds however many want to know.
  private func recentCalls() async throws -> [SiteName: Int] {
    if let current = calls.current { return current }
    if let callCount, ContinuousClock.now - callCount.moment < .seconds(5) {
      return try await callCount.calls.value
    }
    let (planes, trunk) = (try await openPlanes(), lastReport.trunk)
    let count = Task { try await liveCalls(planes, trunk) }
    callCount = (count, .now)
    return try await count.value
  }

  /// Calls now; none where Asterisk does not run.
  private func liveCalls(_ planes: Planes, _ trunk: ObservedTrunk?) async throws -> [SiteName: Int] {
    trunk?.isRunning == true ? try await planes.trunk.liveCalls() : [:]
  }

  /// `sites`: who is in the mesh, by the documents alone.
  func sites() throws -> Control.SitesAnswer {
    let agent = try member()
    let now = Self.clock()
    let members = agent.sites(at: now).map { site in
      Control.SiteEntry(
        name: site.name.description, identity: site.identity.description,
        addresses: site.membership.addresses.map(\.description),
        extensions: site.extensions.map(\.description),
        roles: site.membership.roles.map(\.rawValue),
        mayAdmit: site.membership.delegation?.extensions.map(\.description),
        admittedBy: site.membership.admittedBy?.description,
        standing: site.conflict != nil ? "conflict" : site.isMembershipExpired ? "expired" : "member",
        notAfter: site.membership.notAfter.description, remark: site.conflict)
    }
    let invited = agent.invitations.filter { $0.redeemedBy == nil }.map { invitation in
      Control.SiteEntry(
        name: invitation.site.description, identity: "", addresses: invitation.addresses.map(\.description),
        extensions: invitation.extensions.map(\.description), roles: invitation.roles.map(\.rawValue),
        mayAdmit: invitation.delegation?.extensions.map(\.description),
        standing: "invited", notAfter: invitation.expires.description, remark: "has not joined yet")
    }
    let revoked = agent.revocationProgress(at: now).map { progress in
      let (entry, waiting) = (progress.entry, progress.waiting.map(\.description).joined(separator: ", "))
      return Control.SiteEntry(
        name: entry.site.description, identity: entry.identity.description, addresses: [], extensions: [],
        roles: [], standing: "revoked", notAfter: entry.at.description,
        remark: entry.reason + (waiting.isEmpty ? "" : "; not yet cut off by \(waiting)"))
    }
    return Control.SitesAnswer(sites: members + invited + revoked)
  }
}

extension Planes.Report {
  /// What went wrong when the state was last applied and does not show in a fresh look.
  func problems(besides fresh: Planes.Report) -> [String] {
    let known = Set(fresh.failures.map(\.error))
    return failures.filter { !known.contains($0.error) }.map { "\($0.plane.rawValue): \($0.error)" }
  }
}
