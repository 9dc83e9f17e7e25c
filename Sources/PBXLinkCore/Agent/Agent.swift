// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: pbxlink contributors

/// A site's agent as a value: everything it knows and every decision it makes, without I/O.
///
/// Facts go in by ``handle(_:at:)``, requests that have an answer by a method each; both return the effects
/// that the owner must carry out in order. Desired states are computed from it (`Agent+Desired.swift`).
/// Time and randomness are arguments, so that a simulation and the daemon run the same code.
public struct Agent: Sendable {
  /// The mesh and our place in it.
  public let mesh: Mesh
  /// The site file.
  public internal(set) var configuration: Configuration
  /// Our keys.
  public internal(set) var keys: AgentKeys
  /// Which of them are in use, and a rotation that is under way.
  public internal(set) var keyGenerations: KeyGenerations
  /// The newest valid documents.
  public internal(set) var directory: Directory
  /// Invitations that still open a throw-away tunnel here.
  public internal(set) var invitations: [PendingInvitation]
  /// Sites admitted by their requests whose descriptors have not arrived.
  public internal(set) var awaited: [AwaitedSite]
  /// The time of the backup that the state came from, until another member has been asked what is newer:
  /// nothing but revocations is signed meanwhile, so that no serial is used twice.
  public internal(set) var restoredFrom: Timestamp?
  /// Which tunnel key a restored site tries.
  var keyTurn = KeyTurn()
  /// What DNS last said about the names in endpoints.
  public internal(set) var resolvedNames: [String: [IPAddress]] = [:]
  /// Which path is in use to each site that has several, by its identity.
  var pathSelections: [PublicKey: PathSelection] = [:]
  /// The documents that the planes were last brought in line with.
  var applied: Directory
  /// What the other sites say that they have applied, by identity.
  var receipts: [PublicKey: Receipt] = [:]
  /// Where other sites see a site's tunnel, by its identity.
  var seenEndpoints: [PublicKey: SeenEndpoints] = [:]
  /// The sites from which nothing comes although they are spoken to, and the endpoint at which they fell silent.
  var silent: [SiteName: Silence] = [:]
  /// When names were last found to have other addresses.
  var namesChangedAt = Timestamp(seconds: 0)
  /// What has been agreed with sites that only a relay can reach, by identity.
  var relayAgreements: [PublicKey: RelayAgreement] = [:]
  /// The relays that we reach directly, and the microseconds there and back.
  var reachableRelays: [SiteName: Int] = [:]
  /// Those among them on whose link calls would sound poor.
  var poorRelays: Set<SiteName> = []
  /// What sites that cannot reach each other have left here.
  var relayNotes = RelayNotes()
  /// The seconds by which other sites' clocks are ahead of ours, by identity.
  var clockOffsets: [PublicKey: Int64] = [:]
  /// The sites whose tunnel works, by the last look.
  public internal(set) var linksUp: Set<SiteName> = []
  /// The smallest MTU of the interfaces that tunnel packets leave by; nil until it was looked up.
  var underlayMTU: Int?
  /// What the paths by WireGuard carry, in bytes, as far as it is known, by the identity of the site at their end.
  var pathMTUs: [PublicKey: Int] = [:]
  /// An authority that a peer has told of and that has not admitted us: we stay under the one we know.
  public internal(set) var refusedAuthority: PublicKey?
  /// How much work each member has made lately.
  var limits = ExchangeLimits()
  /// Whether another machine signs as this site.
  var identityContest = IdentityContest()
  /// What others have offered and we have asked for.
  var promises = Promises()
  /// What came in from other sites.
  public internal(set) var counters = ExchangeCounters()
  let cryptography: any Cryptography

  /// An agent from what the store holds. Fails when a stored document does not verify: a damaged store is an
  /// error, never an empty directory.
  public init(
    mesh: Mesh, configuration: Configuration, keys: AgentKeys, documents: [String],
    keyGenerations: KeyGenerations = KeyGenerations(), invitations: [PendingInvitation],
    awaited: [AwaitedSite] = [], restoredFrom: Timestamp? = nil, cryptography: any Cryptography
  ) throws(DocumentError) {
    self.mesh = mesh
    self.configuration = configuration
    self.keys = keys
    self.keyGenerations = keyGenerations
    self.invitations = invitations
    self.awaited = awaited
    self.restoredFrom = restoredFrom
    self.cryptography = cryptography
    applied = Directory(mesh: mesh.identity)
    directory = Directory(mesh: mesh.identity)
    for document in Directory.inOrderOfTrust(documents) {
      _ = try directory.merge(document, using: cryptography)
    }
    adoptAuthority()
  }

  /// Facts from outside.
  public enum Event: Hashable, Sendable {
    /// Documents came from a peer, an import or a join.
    case documents([String], from: SiteName?)
    /// Directories were compared with a member, and what it had newer was taken in.
    case compared(with: SiteName)
    /// The admin wants to sign although no other member could be asked since a restore.
    case serialsAccepted
    /// A packet of the exchange came from a member's own tunnel address.
    case heard(SiteName)
    /// The site file was read again.
    case configuration(Configuration)
    /// Names were looked up.
    case namesResolved([String: [IPAddress]])
    /// What the probes of paths show, and the time on their clock.
    /// - direct: whether the direct way works to sites behind a relay.
    case paths(
      [SiteName: [TunnelPath: PathState]], direct: [SiteName: PathState] = [:], monotonic: Duration)
    /// What others have left for us at a relay, and the time on the clock of the paths.
    case relayNotes([SiteName: AgedRelayNote], monotonic: Duration)
    /// The direct way to a site works, and both ends take it now.
    case leaveRelay(SiteName, monotonic: Duration)
    /// Both ends go by a relay now.
    case takeRelay(SiteName, relay: SiteName, monotonic: Duration)
    /// The planes are as these documents want them, and Asterisk takes calls by these generations of our trunk key.
    case applied(Directory, trunkGenerations: [UInt32])
    /// A site says what it has applied.
    case receipt(Receipt, from: SiteName)
    /// Another site says where it sees the tunnels of some.
    case endpointsSeen([SiteName: ResolvedEndpoint], by: SiteName)
    /// From these sites nothing comes although they are spoken to, at these endpoints.
    case silent([SiteName: ResolvedEndpoint?])
    /// A site says what time it is there.
    case clock(Timestamp, of: SiteName)
    /// The sites whose tunnel works.
    case linksUp(Set<SiteName>)
    /// The smallest MTU, in bytes, of the interfaces that tunnel packets leave by.
    case underlay(mtu: Int)
    /// Time passed.
    case tick
  }

  /// Takes in a fact and says what is to be done.
  public mutating func handle(_ event: Event, at now: Timestamp) throws -> [Effect] {
    switch event {
    case .documents(let documents, let sender):
      return receive(documents, from: sender, at: now).effects
    case .compared(let site):
      return try endRestore("compared with '\(site)'", at: now)
    case .serialsAccepted:
      return try endRestore("the administrator accepts the serials", at: now)
    case .heard(let site):
      return closeInvitations(at: now) { $0.site == site && $0.redeemedBy != nil }
    case .configuration(let new):
      configuration = new
      let reissued = try reissueOwnMembership(at: now)
      try checkExtensions()
      return try reissued + publish(at: now) + [.reconcile]
    case .namesResolved(let names):
      guard names != resolvedNames else { return [] }
      resolvedNames = names
      namesChangedAt = now
      return [.reconcile]
    case .paths(let states, let direct, let moment):
      return selectPaths(states, direct: direct, at: moment, now)
    case .relayNotes(let notes, let moment):
      receive(relayNotes: notes, at: moment, now)
      return []
    case .leaveRelay(let site, let moment): return leaveRelay(to: site, at: moment, now)
    case .takeRelay(let site, let relay, let moment):
      return take(relay: relay, to: site, at: moment, now)
    case .applied(let directory, let generations):
      return try noteApplied(directory, trunkGenerations: generations, at: now)
    case .receipt(let receipt, let site): return note(receipt, from: site, at: now)
    case .endpointsSeen(let endpoints, let reporter): return note(seen: endpoints, by: reporter, at: now)
    case .silent(let sites):
      guard Set(sites.keys) != Set(silent.keys) else { return [] }
      silent = sites.mapValues { Silence(endpoint: $0, since: now) }
        .merging(silent.filter { sites.keys.contains($0.key) }) { $1 }
      return [.reconcile]
    case .clock(let clock, let site):
      note(clock: clock, of: site, at: now)
      return []
    case .linksUp(let sites):
      linksUp = sites
      return []
    case .underlay(let mtu):
      guard mtu != underlayMTU else { return [] }
      underlayMTU = mtu
      return [.reconcile]
    case .tick:
      return try retireKeys(at: now) + closeInvitations(at: now) { $0.expires < now } + closeAwaited(at: now)
        + endRestoreIfAlone(at: now) + turnTunnelKey(at: now)
        + renewMemberships(at: now) + publish(at: now) + (isRotationDue(at: now) ? [.rotateKeys] : [])
    }
  }

  private mutating func closeInvitations(
    at now: Timestamp, where isOver: (PendingInvitation) -> Bool
  ) -> [Effect] {
    let closed = invitations.filter(isOver)
    guard !closed.isEmpty else { return [] }
    invitations.removeAll(where: isOver)
    let unused = closed.filter { $0.redeemedBy == nil }
    return [.saveInvitations]
      + unused.map { .journal(JournalEntry(.invitationExpired, site: $0.site, "expired unused")) }
      + [.reconcile]
  }

  /// Our identity's public key.
  public var identity: PublicKey { keys.identity.publicKey }
  /// Whether the authority has revoked this site.
  public var isRevoked: Bool { directory.revoked[identity] != nil }

  /// All sites of the mesh, ours too.
  public func sites(at now: Timestamp) -> [Site] {
    directory.sites(at: now, emergencyNumbers: configuration.numbers.emergency)
  }

  /// Our own membership; nil once it is revoked.
  public var membership: Membership? { isRevoked ? nil : directory.membership(of: identity)?.content }

  /// Our own entry.
  public func ownSite(at now: Timestamp) -> Site? {
    membership.flatMap { directory.site($0.site, at: now, emergencyNumbers: configuration.numbers.emergency) }
  }

  /// The sites that get a tunnel, a firewall entry and a trunk: members with a valid descriptor that are
  /// neither ourselves nor in conflict with an earlier one.
  public func linkedSites(at now: Timestamp) -> [Site] {
    guard !isRevoked else { return [] }
    return withAwaited(sites(at: now), at: now).filter(isLinked)
  }

  /// The linked site of a name.
  public func linkedSite(_ name: SiteName, at now: Timestamp) -> Site? {
    guard !isRevoked else { return nil }
    let site = directory.site(name, at: now, emergencyNumbers: configuration.numbers.emergency)
    return withAwaited(site.map { [$0] } ?? [], at: now).first(where: isLinked)
  }

  private func isLinked(_ site: Site) -> Bool {
    guard let descriptor = site.descriptor, site.identity != identity, site.conflict == nil else {
      return false
    }
    // Our own tunnel key in another descriptor is a lie about itself; it must not stop the other links.
    return descriptor.wireguard.publicKey != keys.tunnel.publicKey
  }

  /// The member that owns a tunnel address.
  public func site(at address: IPAddress, now: Timestamp) -> Site? {
    directory.claims.owners(of: address).sorted().lazy.compactMap { linkedSite($0, at: now) }.first
  }
}
