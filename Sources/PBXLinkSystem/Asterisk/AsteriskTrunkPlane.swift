// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: pbxlink contributors

public import PBXLinkCore

/// Keeps Asterisk's trunks in the desired state: files, reloads, and a look at what Asterisk then uses.
///
/// Asterisk takes broken files silently, and drops trunks with them. So every change is verified, and undone
/// when Asterisk does not use what the files say.
public actor AsteriskTrunkPlane {
  let installation: AsteriskInstallation
  let commandLine: AsteriskCommandLine
  /// The Asterisk that was last seen to have booted: when it started, and its version.
  private var booted: (start: String, version: AsteriskVersion?)?
  /// The files of the last configuration: most looks find the same one, and rendering hundreds of trunks takes long.
  private var rendered: (configuration: TrunkConfiguration, managerIsOn: Bool, files: TrunkFiles)?

  /// A plane over one Asterisk.
  public init(installation: AsteriskInstallation) {
    self.init(installation: installation, commandLine: AsteriskCommandLine())
  }

  init(installation: AsteriskInstallation, commandLine: AsteriskCommandLine) {
    self.installation = installation
    self.commandLine = commandLine
  }

  /// What is there. Asterisk need not run; then there are no live peers.
  public func observe() async throws -> ObservedTrunk {
    var observed = ObservedTrunk()
    observed.findings = try installation.findings()
    observed.files = try installation.files()
    observed.missingIncludes = try installation.missingIncludes()
    observed.isVerified = installation.isVerified
    observed.openUDPPorts = try UDPSockets.openPorts()
    if let booted, observed.isVerified, let access = managerAccess(observed),
      // Whatever is the matter, the commands tell it better.
      let live = try? await liveState(access), live.start == booted.start
    {
      (observed.isRunning, observed.hasIAX2) = (true, true)
      (observed.version, observed.livePeers) = (booted.version, live.peers)
      return observed
    }
    booted = nil
    observed.version = AsteriskVersion(try await commandLine.version())
    observed.isRunning = try await commandLine.hasBooted()
    guard observed.isRunning else { return observed }
    observed.hasIAX2 = try await commandLine.isRunning(module: "chan_iax2.so")
    guard observed.hasIAX2, let access = managerAccess(observed) else { return observed }
    do {
      let live = try await liveState(access)
      observed.livePeers = live.peers
      if !live.start.isEmpty { booted = (live.start, observed.version) }
    } catch is AMIError {
      // The next change brings the manager interface back, or says why it cannot.
      observed.livePeers = []
      observed.isVerified = false
    }
    return observed
  }

  /// Brings Asterisk to a configuration and returns what was changed. When Asterisk does not use what it was
  /// told, the former files are put back and the error names the object.
  public func apply(_ configuration: TrunkConfiguration) async throws -> [TrunkChange] {
    try await applyAndObserve(configuration).changes
  }

  /// The same, with what is there afterwards.
  func applyAndObserve(
    _ configuration: TrunkConfiguration
  ) async throws -> (changes: [TrunkChange], observed: ObservedTrunk) {
    let observed = try await observe()
    try check(observed, configuration)
    let files = try files(of: configuration, managerIsOn: observed.managerIsOn)
    let steps = changes(from: observed, to: configuration, rendered: files)
    guard !steps.isEmpty else { return ([], observed) }
    let snapshot = try installation.snapshot()
    do {
      try installation.markUnverified()
      for file in TrunkFile.allCases where observed.missingIncludes[file] != nil {
        try installation.include(file)
      }
      try await install(files, configuration, over: observed)
    } catch {
      try await restore(snapshot, observed, after: error)
    }
    return (steps, try await observe())
  }

  private func files(of configuration: TrunkConfiguration, managerIsOn: Bool) throws -> TrunkFiles {
    if let rendered, rendered.managerIsOn == managerIsOn, rendered.configuration == configuration {
      return rendered.files
    }
    let files = try TrunkFiles(configuration, enablingManager: !managerIsOn)
    rendered = (configuration, managerIsOn, files)
    return files
  }

  /// Ends the calls with a site, of both directions; returns the names of their channels.
  @discardableResult
  public func hangUp(_ site: SiteName) async throws -> [String] {
    guard let access = try await currentAccess() else { return [] }
    return try await AMIClient.withConnection(port: access.port, secret: access.secret) { client in
      try await client.hangUp(matching: TrunkNames.channelPattern(site))
    }
  }

  /// How many calls are up with each site; probes do not count.
  public func liveCalls() async throws -> [SiteName: Int] {
    guard let access = try await currentAccess() else { return [:] }
    let channels = try await AMIClient.withConnection(port: access.port, secret: access.secret) { client in
      try await client.channels()
    }
    return channels.compactMap(\.site).reduce(into: [:]) { $0[$1, default: 0] += 1 }
  }

  /// Places a test call to a site: its answer is the one sign that a real call would go through. Nil while Asterisk here
  /// cannot be asked to.
  public func probe(_ site: SiteName) async throws -> TestCall.Outcome? {
    guard let access = try await currentAccess() else { return nil }
    return try await AMIClient.withConnection(
      port: access.port, secret: access.secret, events: [.call], timeout: .seconds(6)
    ) { client in try await client.probe(site) }
  }

  /// Takes everything of ours out of Asterisk and ends the calls with peers.
  public func remove() async throws {
    // A host without Asterisk has nothing of ours.
    guard installation.exists else { return }
    let observed: ObservedTrunk
    do {
      observed = try await observe()
    } catch AsteriskError.commandMissing {
      // Asterisk was removed and left its files: there is nothing to tell.
      return try installation.removeAll()
    }
    let own = observed.files
    try installation.exclude(.extensions)
    if observed.isRunning {
      try await commandLine.execute("dialplan reload")
      if !own.manager.isEmpty && observed.hasIAX2 {
        for site in observed.sites.sorted() { try await hangUp(site) }
      }
    }
    try installation.removeAll()
    guard observed.isRunning else { return }
    if observed.hasIAX2 { try await commandLine.execute("iax2 reload") }
    try await commandLine.execute("manager reload")
  }

  /// What must hold before the first byte is written, and while nothing has to be.
  private func check(_ observed: ObservedTrunk, _ configuration: TrunkConfiguration) throws {
    let clashes = TrunkFile.allCases.flatMap { observed.findings[$0]?.clashes ?? [] }
    guard clashes.isEmpty else { throw AsteriskError.clashes(clashes) }
    for file in TrunkFile.allCases {
      // Our line is the last of this file: what breaks the file off cuts our line off too.
      let parent = try installation.path(ofParent: file)
      for finding in observed.findings[file]?.breaks ?? [] where finding.location.file == parent {
        throw AsteriskError.unreadable(finding)
      }
    }
    if observed.managerIsOn, let port = observed.findings[.manager]?.general["port"],
      port.text != "\(configuration.managerPort)"
    {
      throw AsteriskError.managerPort(configured: configuration.managerPort, actual: port)
    }
  }
}
