// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: pbxlink contributors

internal import Foundation
public import Logging
internal import PBXLinkCore

/// The one owner of the agent's state. Every step is: decide on a copy, commit to the store, keep the copy,
/// then carry out the effects; a step that cannot be stored has not happened.
public actor Engine {
  let siteFile: String
  let logger: Logger
  let store: Store
  let keyFiles: KeyFiles
  let cryptography = OpenSSLCryptography()
  let started: Timestamp
  var configuration: Configuration {
    didSet {
      if configuration.bfd != oldValue.bfd { Task { await watchNeighbors() } }
      if configuration.events != oldValue.events { Task { await setHooks() } }
    }
  }
  /// Nil before `init` or `join`.
  var agent: Agent?
  /// Tell others of events.
  let webhook, hookCommand: EventHook
  var planes: Planes?
  var backendReason: String?
  var isDown = false
  /// The highest time ever seen; a tunnel must not be brought up while the clock is behind it.
  var highestTime: Timestamp
  /// What the last look at the planes has shown.
  var lastReport = Planes.Report()
  /// The tunnel's peers when our key was last changed: their handshakes were the former key's. In a rotation the others
  /// are prepared for the new one and make a handshake with it at once; nothing is noted then.
  var formerPeers: [PublicKey: ObservedTunnel.Peer] = [:]
  /// The peers whose handshake was fresh at the last look, to notice a link that comes up.
  var freshPeers: Set<SiteName> = []
  /// The tunnel when it was last looked at apart from the looks at all planes.
  var tunnelLook: (tunnel: ObservedTunnel?, moment: ContinuousClock.Instant)?
  /// What the probes showed last.
  var pathStates: [SiteName: [TunnelPath: PathState]] = [:]
  /// Whether the direct way works to the sites behind a relay, and what that is known by.
  var directStates: [SiteName: PathState] = [:]
  var directTraffic = DirectTraffic()
  /// The past of the links, and why none is kept.
  var history: HistoryStore?
  var historyProblem: String?
  var outages = OutageTracker()
  /// The calls with peers.
  var calls = CallWatch()
  /// What the service manager shows of the links.
  var verdict: String?
  /// What other sites measure, who is asking them, and since when.
  var sharedRows: [SiteName: StatusPage.SharedRow] = [:]
  var rowsTask: Task<Void, Never>?
  var rowsMoment = ContinuousClock.now
  /// What we measure, as it was told last.
  var ownRow: (row: LinkRow, moment: ContinuousClock.Instant)?
  /// The last day of the links and the calls of today, and when they were read.
  var pasts:
    (links: [SiteName: LinkPast], calls: [SiteName: CallReport.Day], moment: ContinuousClock.Instant)?
  /// Since when each link is in its state.
  var linkStates: LinkStates
  /// The relays that are being visited.
  var visitedRelays: Set<SiteName> = []
  /// Yields when they are to be visited, and who does so next.
  let relaysWanted = AsyncStream<Void>.makeStream(bufferingPolicy: .bufferingNewest(1))
  var nextRelayVisit: Task<Void, any Error>?
  /// What probes the paths to peers that have several; made when the engine runs.
  var pathProbes: PathProbes?
  /// BFD with routers outside the mesh.
  let bfd = BFDSessions()
  /// Which sites have taken a test call.
  var testCalls = TestCallSchedule()
  var reconciliation: Task<Planes.Report, Never>?
  var exchange: Task<Void, Never>?
  /// Why the store cannot be written, by the last attempt.
  var storeProblem: String?
  /// When the loop of looks has last turned.
  var turned = ContinuousClock.now
  /// Why the exchange is not served.
  var exchangeProblem: String?
  /// Whether an init or a join is under way; the planes are its own meanwhile.
  var isJoining = false
  /// Whether our own tunnel key is about to change.
  var isHandingOver = false
  /// Whether handshakes with the next keys of peers are being looked for, and until when.
  var isWatchingHandover = false
  var handoverWatchEnd = ContinuousClock.now
  /// Whether names are being looked up.
  var isResolving = false
  /// Why nothing is served to monitoring, by where.
  var monitoringProblems: [Endpoint: String] = [:]
  /// When monitoring has last asked, and the status that it is told of.
  var scraped: ContinuousClock.Instant?
  var known: (status: StatusSnapshot, moment: ContinuousClock.Instant)?
  /// What monitoring was told last.
  var metricsAnswers: [MetricsFormat: (text: Task<[UInt8], any Error>, moment: ContinuousClock.Instant)] = [:]
  /// Warnings that go with the state that was last applied.
  var lastWarnings: [String] = []
  /// Whether the planes have been looked at since the start.
  var hasLooked = false
  /// The last count of calls, and when it was begun.
  var callCount: (calls: Task<[SiteName: Int], any Error>, moment: ContinuousClock.Instant)?
  /// Ends when 'uninstall' has left nothing to run for.
  let uninstalled = AsyncStream<Void>.makeStream()

  /// Opens the store and loads what this site knows. Throws when the site file or the store is bad.
  public init(siteFile: String, logger: Logger) throws {
    self.siteFile = siteFile
    self.logger = logger
    let configuration = try SiteFile.readIfPresent(siteFile)
    let now = Self.clock()
    let store = try Store(directory: configuration.stateDirectory)
    let keyFiles = try KeyFiles(directory: configuration.stateDirectory + "/keys")
    let state = try store.load()
    self.configuration = configuration
    self.store = store
    self.keyFiles = keyFiles
    started = now
    highestTime = try state.meta(.highestTime) ?? now
    isDown = try state.meta(.isDown) ?? false
    webhook = try EventHook(store, .webhookPosition, logger: logger, clock: Self.clock)
    hookCommand = try EventHook(store, .hookCommandPosition, logger: logger, clock: Self.clock)
    linkStates = LinkStates(journal: try store.lastLinkStates())
    guard let mesh: Mesh = try state.meta(.mesh) else { return }
    let generations: KeyGenerations = try state.meta(.keyGenerations) ?? KeyGenerations()
    agent = try Agent(
      mesh: mesh, configuration: configuration, keys: try keyFiles.loadAgentKeys(generations),
      documents: state.documents, keyGenerations: generations,
      invitations: try state.meta(.invitations) ?? [], awaited: try state.meta(.awaited) ?? [],
      restoredFrom: try state.meta(.restoredFrom), cryptography: cryptography)
  }

  /// The time of day in whole seconds.
  static func clock() -> Timestamp { Timestamp(seconds: Int64(Date().timeIntervalSince1970)) }

  /// The agent of a site that is in a mesh.
  func member() throws -> Agent {
    guard let agent else {
      throw Failure(
        "This server is in no mesh yet. Start one with 'pbxlink init', or join one with 'pbxlink join'.",
        .configuration)
    }
    return agent
  }

  /// One step. The task that comes back ends when the effects on this host have been carried out, with what
  /// went wrong.
  @discardableResult
  func step<Result>(
    _ decide: (inout Agent, Timestamp) throws -> (Result, [Effect])
  ) throws -> (result: Result, done: Task<[String], Never>) {
    let now = Self.clock()
    var next = try member()
    let (result, effects) = try decide(&next, now)
    try commit(next, effects, at: now)
    return (result, carryOut(effects))
  }

  /// Makes a step durable, then keeps it.
  func commit(_ next: Agent, _ effects: [Effect], meta: [StoreChange] = [], at now: Timestamp) throws {
    var changes = meta
    for effect in effects {
      switch effect {
      case .saveDocuments: changes.append(.replaceDocuments(next.directory.allDocuments()))
      case .saveKeyGenerations: changes.append(try .setMeta(.keyGenerations, next.keyGenerations))
      case .saveInvitations:
        changes.append(try .setMeta(.invitations, next.invitations))
        changes.append(try .setMeta(.awaited, next.awaited))
      case .journal(let entry): changes.append(.appendEvent(entry))
      case .reconcile, .hangUp, .push, .sendReceipts, .rotateKeys, .removeOldKeys: break
      case .askForDirect, .askForRelay: break
      }
    }
    if next.restoredFrom != agent?.restoredFrom {
      changes.append(try .setMeta(.restoredFrom, next.restoredFrom))
    }
    raiseHighestTime(to: now)
    if !changes.isEmpty { try store.commit(changes + [try .setMeta(.highestTime, highestTime)], at: now) }
    let isOther = next.mesh.site != agent?.mesh.site
    agent = next
    if isOther { Task { await setHooks() } }
    for case .journal(let entry) in effects {
      wakeHooks()
      logger.info(
        "\(entry.text)",
        metadata: ["event": "\(entry.kind.rawValue)", "site": "\(entry.site?.description ?? "-")"])
    }
  }

  /// Carries out what lies outside, in the background: the planes, then calls, and beside them the other sites.
  /// The task that comes back does not wait for those: one of them may be out of reach.
  @discardableResult
  func carryOut(_ effects: [Effect]) -> Task<[String], Never> {
    let ended = effects.compactMap { if case .hangUp(let site) = $0 { site } else { nil } }
    let pushes = effects.compactMap { if case .push(let push) = $0 { push } else { nil } }
    let receivers = effects.flatMap { effect -> [SiteName] in
      if case .sendReceipts(let sites) = effect { sites } else { [] }
    }
    if !receivers.isEmpty { Task { await sendReceipts(to: Set(receivers)) } }
    for case .askForDirect(let site) in effects { Task { await askForDirect(site) } }
    for case .askForRelay(let site, let relay) in effects { Task { await ask(site, for: relay) } }
    if effects.contains(.rotateKeys) { Task { await rotateOnSchedule() } }
    if effects.contains(.removeOldKeys) { removeOldKeys() }
    let mustReconcile = effects.contains(.reconcile)
    Task { for push in pushes { await self.push(push) } }
    return Task {
      var problems = mustReconcile ? await reconcile().plan.unknown : []
      for site in ended { if let problem = await hangUp(site) { problems.append(problem) } }
      return problems
    }
  }

  /// Journals what happened outside the agent's decisions.
  func journal(_ entry: JournalEntry) {
    do {
      try store.commit([.appendEvent(entry)], at: Self.clock())
      storeProblem = nil
    } catch {
      storeProblem = "the journal is not written: \(error)"
      logger.error("journal: \(error)")
    }
    wakeHooks()
    logger.info(
      "\(entry.text)",
      metadata: ["event": "\(entry.kind.rawValue)", "site": "\(entry.site?.description ?? "-")"])
  }
}
