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
    var surroundings = StatusSnapshot.Surroundings(started: started)
    surroundings.tunnel = marked(report.tunnel)
    surroundings.openVPN = report.openVPN
    surroundings.trunk = report.trunk
    await lookAtPaths()
    surroundings.paths = pathStates
    surroundings.testCalls = testCalls
    surroundings.figures = await pathProbes?.figures ?? [:]
    do {
      surroundings.calls = try await calls(planes, report.trunk)
    } catch {
      surroundings.problems.append("calls cannot be counted: \(error)")
    }
    surroundings.problems +=
      report.plan.unknown + desired.problems + (exchangeProblem.map { [$0] } ?? [])
      + (agent.restoreProblem.map { [$0] } ?? []) + (historyProblem.map { [$0] } ?? [])
      + lastReport.problems(besides: report) + (await probeProblems()) + (await bfd.problems)
      + (report.trunk.map { desired.trunk.warnings(for: $0, port: configuration.trunk.port) } ?? []).map(
        \.description)
    surroundings.neighbors = await bfd.statuses(at: now)
    surroundings.backend = (planes.tunnel.name.rawValue, backendReason ?? "")
    surroundings.isDown = isDown
    return StatusSnapshot(of: agent, in: surroundings, at: now)
  }

  /// Calls now; none where Asterisk does not run.
  private func calls(_ planes: Planes, _ trunk: ObservedTrunk?) async throws -> [SiteName: Int] {
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
