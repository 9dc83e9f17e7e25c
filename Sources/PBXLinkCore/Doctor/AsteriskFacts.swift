// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: pbxlink contributors

/// Asterisk on this host.
public struct AsteriskFacts: Sendable {
  /// Whether our user at the manager interface gets an answer.
  public enum Manager: Sendable {
    case answers
    /// Why not.
    case fails(String)
    /// We have no user there yet.
    case absent
  }

  /// The version; nil where the command `asterisk` is missing.
  public var version: Look<AsteriskVersion?>
  /// What the trunk plane sees.
  public var trunk: Look<ObservedTrunk>
  /// The manager interface; nil where Asterisk does not run.
  public var manager: Look<Manager?>
  /// Users of the admin's that let in whoever knows their name.
  public var openUsers: [AsteriskConfigFindings.Finding]
  /// What the trunks should be; without peers where the mesh is not known.
  public var configuration: TrunkConfiguration
  /// The UDP port of Asterisk's IAX2.
  public var port: UInt16
  /// Our own tunnel addresses.
  public var tunnelAddresses: [String]
  /// Whether this site is in a mesh, so that our lines should be in Asterisk's files.
  public var isMember: Bool
  /// Whether this user may talk to a running Asterisk: whoever may not takes it for stopped.
  public var mayAsk: Bool

  /// Facts about Asterisk.
  public init(
    version: Look<AsteriskVersion?>, trunk: Look<ObservedTrunk>, manager: Look<Manager?>,
    openUsers: [AsteriskConfigFindings.Finding], configuration: TrunkConfiguration, port: UInt16,
    tunnelAddresses: [String], isMember: Bool, mayAsk: Bool
  ) {
    self.version = version
    self.trunk = trunk
    self.manager = manager
    self.openUsers = openUsers
    self.configuration = configuration
    self.port = port
    self.tunnelAddresses = tunnelAddresses
    self.isMember = isMember
    self.mayAsk = mayAsk
  }

  var warnings: [TrunkWarning] { trunk.value.map { configuration.warnings(for: $0, port: port) } ?? [] }

  var findings: [Finding] {
    let versions: [Finding]
    switch version {
    case .unseen(let unseen): versions = [Finding(.asterisk, "asterisk-version", unseen)]
    case .seen(let version?): versions = version.findings
    case .seen(nil):
      return [
        Finding(
          .asterisk, "asterisk-installed", .error, "the command 'asterisk' is not in PATH",
          remedy: "Install Asterisk 16 or newer with chan_iax2, or have its directory in PATH.")
      ]
    }
    switch trunk {
    case .unseen(let unseen):
      // Whoever may look and cannot has found something that keeps the agent from its work too.
      let finding =
        mayAsk
        ? Finding(.asterisk, "asterisk-files", .error, unseen.reason, remedy: unseen.remedy)
        : Finding(.asterisk, "asterisk-files", unseen)
      return versions + [finding] + openUserFindings
    case .seen(let trunk):
      return versions + running(trunk) + includes(trunk) + general(trunk) + openUserFindings
        + managerFindings(trunk)
    }
  }

  /// What follows from the warnings of the trunk plane, and the good news where there is no bad.
  private func running(_ trunk: ObservedTrunk) -> [Finding] {
    let warnings = warnings.filter { if case .version = $0 { false } else { true } }
    guard mayAsk || trunk.isRunning else {
      let blind = Unseen(
        "Asterisk does not run, or does not answer this user", remedy: "Run 'pbxlink doctor' as root.")
      return [Finding(.asterisk, "asterisk-running", blind)]
        + warnings.filter { $0 != .notRunning }.map(\.finding)
    }
    var findings = warnings.map(\.finding)
    if trunk.isRunning { findings.append(Finding(.asterisk, "asterisk-running", .ok, "it runs")) }
    if trunk.hasIAX2 {
      findings.append(Finding(.asterisk, "iax2-module", .ok, "chan_iax2 runs"))
      if trunk.openUDPPorts.contains(port) {
        findings.append(Finding(.asterisk, "iax2-socket", .ok, "UDP port \(port) is open"))
      }
    }
    let contexts = configuration.phoneContexts + (configuration.localContext.map { [$0] } ?? [])
    if !findings.contains(where: { $0.id == "dialplan-context" }), !contexts.isEmpty {
      findings.append(
        Finding(.asterisk, "dialplan-context", .ok, "found: \(contexts.joined(separator: ", "))"))
    }
    return findings
  }

  private func includes(_ trunk: ObservedTrunk) -> [Finding] {
    let clashes = TrunkFile.allCases.flatMap { trunk.findings[$0]?.clashes ?? [] }.map {
      Finding(
        .asterisk, "name-clash", .error, "\($0)",
        remedy: "Rename the section: Asterisk would merge it with ours, so the agent changes nothing.")
    }
    let missing = trunk.missingIncludes.sorted { $0.key.rawValue < $1.key.rawValue }
    guard !missing.isEmpty else {
      return clashes + [
        Finding(.asterisk, "include-lines", .ok, "our line is the last of each of Asterisk's files")
      ]
    }
    let lines = missing.map { "\($0.value) does not end in '\(IncludeLine.text(for: $0.key))'" }
    return clashes + [
      Finding(
        .asterisk, "include-lines", isMember ? .warning : .notice, lines.joined(separator: ", "),
        remedy: isMember
          ? "Run 'pbxlink apply': the agent puts the lines there."
          : "Nothing to do: the agent puts the lines there once this site is in a mesh.")
    ]
  }

  /// Settings of the admin's that weaken or hinder the trunks, although the trunks have their own.
  private func general(_ trunk: ObservedTrunk) -> [Finding] {
    guard let iax = trunk.findings[.iax] else { return [] }
    var findings: [Finding] = []
    if let bind = iax.general["bindaddr"] ?? iax.general["bindaddress"] {
      let address = bind.text.split(separator: ":").first.map(String.init) ?? bind.text
      let isEverywhere = ["0.0.0.0", "::", "[::]"].contains(bind.text) || address == "0.0.0.0"
      if !isEverywhere, !tunnelAddresses.contains(address) {
        findings.append(
          Finding(
            .asterisk, "iax2-bindaddr", .warning,
            "\(bind.location): IAX2 listens on \(bind.text) only, not in the tunnel",
            remedy:
              "Take 'bindaddr' out, and load chan_iax2 anew when no call is up: a reload does not change it.")
        )
      }
    }
    if let optional = iax.general["calltokenoptional"] {
      findings.append(
        Finding(
          .asterisk, "iax2-calltoken", .warning,
          "\(optional.location): calltokenoptional=\(optional.text) lets forged addresses take up calls",
          remedy: "Take the line out (AST-2009-006), unless a device too old for call tokens needs it."))
    }
    return findings
  }

  private var openUserFindings: [Finding] {
    openUsers.map {
      Finding(
        .asterisk, "iax2-open-user", .warning, "\($0)",
        remedy: "Give the user a secret, or take it out: a call without user name comes in as this user.")
    }
  }

  private func managerFindings(_ trunk: ObservedTrunk) -> [Finding] {
    let id = "manager-interface"
    if trunk.managerIsOn, let port = trunk.findings[.manager]?.general["port"],
      port.text != "\(configuration.managerPort)"
    {
      return [
        Finding(
          .asterisk, id, .error,
          "\(port.location): the port is \(port.text), the site file says \(configuration.managerPort)",
          remedy: "Set asterisk.manager_port to \(port.text).")
      ]
    }
    switch manager {
    case .unseen(let unseen): return [Finding(.asterisk, id, unseen)]
    case .seen(nil): return []
    case .seen(.answers?): return [Finding(.asterisk, id, .ok, "it takes our user")]
    case .seen(.fails(let reason)?):
      return [
        Finding(
          .asterisk, id, .error, reason,
          remedy: "Run 'pbxlink apply'; if that does not help, see [general] of manager.conf.")
      ]
    case .seen(.absent?):
      return [
        Finding(
          .asterisk, id, isMember ? .warning : .notice, "we have no user there yet",
          remedy: isMember
            ? "Run 'pbxlink apply'." : "Nothing to do: the agent makes it once this site is in a mesh.")
      ]
    }
  }
}

extension AsteriskVersion {
  fileprivate var findings: [Finding] {
    let known = advisories.map {
      Finding(
        .asterisk, "asterisk-version", .warning, "Asterisk \(self) \($0)",
        remedy: "Upgrade Asterisk to the newest release of a branch that still gets fixes.")
    }
    return known.isEmpty
      ? [Finding(.asterisk, "asterisk-version", .ok, "Asterisk \(self), nothing known against it")] : known
  }
}
