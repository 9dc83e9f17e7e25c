// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: pbxlink contributors

extension LinkDiagnosis {
  /// What the documents and the host show of a site. Throws when the desired state cannot be computed.
  public init(
    of name: SiteName, by agent: Agent, seeing evidence: LinkEvidence, at now: Timestamp
  ) throws {
    guard let site = agent.sites(at: now).first(where: { $0.name == name }) else {
      let (standing, finding) = Self.outsider(name, agent)
      self.init(of: name, standing, [finding], at: now)
      return
    }
    let documents = DocumentLayers(site: site, agent: agent, now: now)
    let standing = documents.standing
    guard standing == .own || standing == .member else {
      self.init(of: name, standing, documents.findings, at: now)
      return
    }
    let desired = try agent.desiredState(at: now)
    let tunnels = TunnelLayers(site: site, agent: agent, desired: desired, evidence: evidence, now: now)
    let trunks = TrunkLayers(site: site, agent: agent, desired: desired.trunk, evidence: evidence)
    // With the links down or this site revoked nothing below is wanted.
    let below = tunnels.isLinkWanted ? tunnels.findings + trunks.findings : []
    self.init(of: name, standing, documents.findings + [tunnels.desiredState] + below, at: now)
  }

  /// A name without a member behind it.
  private static func outsider(_ name: SiteName, _ agent: Agent) -> (Standing, Finding) {
    if let invitation = agent.invitations.first(where: { $0.site == name && $0.redeemedBy == nil }) {
      return (
        .invited,
        .wrong(
          .membership, "invited until \(invitation.expires); the invitation has not been used",
          do: "Run the 'pbxlink join' command there; 'pbxlink add-site \(name)' makes a new one.")
      )
    }
    if let entry = agent.directory.revoked.values.filter({ $0.site == name }).max(by: { $0.at < $1.at }) {
      return (
        .revoked,
        .wrong(
          .membership, "revoked at \(entry.at): \(entry.reason)",
          do: "Nothing of it is left here. To take it back, run 'pbxlink uninstall' there and add it anew.")
      )
    }
    return (
      .unknown,
      .wrong(
        .membership, "no document speaks of a site '\(name)'",
        do: "See 'pbxlink sites' for the names; what was admitted just now arrives within a minute.")
    )
  }
}

/// What the signed documents say of a member.
struct DocumentLayers {
  let site: Site
  let agent: Agent
  let now: Timestamp

  var standing: LinkDiagnosis.Standing {
    if site.identity == agent.identity { return .own }
    if site.conflict != nil { return .conflict }
    return site.descriptor == nil ? .pending : .member
  }

  var findings: [LinkDiagnosis.Finding] { [membership, descriptor] }

  private var membership: LinkDiagnosis.Finding {
    let membership = site.membership
    let stored = agent.directory.membership(of: site.identity)
    let signer = stored.flatMap { try? JWS($0.text).keyID }
    let authority = agent.mesh.identity.authority.thumbprint(using: agent.cryptography)
    let found =
      "serial \(membership.serial), signed by "
      + (signer == authority ? "the authority" : "key \(signer ?? "?")")
      + " for \(membership.addresses.map(\.description).joined(separator: " ")), extensions "
      + (membership.extensions.isEmpty
        ? "none" : membership.extensions.map(\.description).joined(separator: " "))
      + ", until \(membership.notAfter)"
    if let conflict = site.conflict {
      return .wrong(
        .membership, "\(found); \(conflict)",
        do: "Where the authority key is, remove the one of the two that is wrong and add it anew.")
    }
    if site.isMembershipExpired {
      return .wrong(
        .membership, "\(found), which is over; the link stays",
        do: "The agent with the authority key renews it: see that it runs and can be reached.")
    }
    return .ok(.membership, found)
  }

  private var descriptor: LinkDiagnosis.Finding {
    guard let descriptor = site.descriptor else {
      let awaited = agent.awaited.first { $0.request.identity == site.identity && now < $0.until }
      return .wrong(
        .descriptor,
        awaited.map { "it has not arrived; by its request its tunnel is let in until \($0.until)" }
          ?? "it has not arrived: how to reach the site is not known",
        do:
          "See that its agent runs and has joined; or carry it over with 'pbxlink descriptor export' there and "
          + "'pbxlink descriptor import' here.")
    }
    let found =
      "serial \(descriptor.serial), \(age(now - descriptor.issuedAt)), until \(descriptor.expiresAt), "
      + (descriptor.previous.map { "after \($0.prefix(8))…" } ?? "the first")
      + ", agent \(descriptor.agentVersion)"
    if site.isDescriptorExpired {
      return .wrong(
        .descriptor, "\(found), which is over; the link stays",
        do: "Its agent signs a new one in time: see that it runs and that this link, or another one, is up.")
    }
    return .ok(.descriptor, found)
  }
}

/// How long ago something was, in the unit that fits.
func age(_ seconds: Int64) -> String {
  switch seconds {
  case ..<0: "\(0 - seconds) s in the future"
  case ..<120: "\(seconds) s ago"
  case ..<7200: "\(seconds / 60) min ago"
  case ..<172_800: "\(seconds / 3600) h ago"
  default: "\(seconds / 86_400) d ago"
  }
}
