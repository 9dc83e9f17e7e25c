// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: pbxlink contributors

/// The agent, and the difference between what is and what should be.
public struct AgentFacts: Sendable {
  /// What answers at the control socket.
  public enum State: Sendable {
    /// An agent of a site in a mesh.
    case member(StatusSnapshot)
    /// An agent that has joined no mesh.
    case alone
    /// An agent that cannot answer: the reason.
    case failing(String)
    /// Nobody.
    case stopped
    /// Not known: this user may not ask.
    case unseen(Unseen)
  }

  /// What answers.
  public var state: State
  /// What would change; the agent's answer, or worked out without it. Nil where the host is in no mesh.
  public var plan: Look<Plan?>

  /// Facts about the agent.
  public init(state: State, plan: Look<Plan?>) {
    self.state = state
    self.plan = plan
  }

  var isRunning: Bool {
    switch state {
    case .member, .alone, .failing: true
    case .stopped, .unseen: false
    }
  }

  private var isDown: Bool { if case .member(let status) = state { status.agent.isDown } else { false } }

  var findings: [Finding] {
    let id = "agent-running"
    switch state {
    case .member(let status):
      var findings = [
        Finding(
          .agent, id, .ok,
          "version \(status.agent.version), site \(status.site.name) of mesh \(status.mesh.name)")
      ]
      if status.agent.version != Version.current {
        findings.append(
          Finding(
            .agent, "agent-version", .notice,
            "the agent has version \(status.agent.version), this command \(Version.current)",
            remedy: "Run 'systemctl restart pbxlink'; links and calls stay up."))
      }
      if status.site.revoked {
        findings.append(
          Finding(
            .agent, "site-revoked", .error, "the authority has revoked this site",
            remedy: "Run 'pbxlink uninstall', have the site invited again, and join with new keys."))
      }
      if status.agent.isDown {
        findings.append(
          Finding(
            .agent, "links-down", .notice, "the links were taken down by 'pbxlink down'",
            remedy: "Run 'pbxlink apply' to bring them back."))
      }
      return findings
    case .alone:
      return [
        Finding(
          .agent, id, .ok,
          "it runs, and is in no mesh yet: 'pbxlink init' starts one, 'pbxlink join' joins one")
      ]
    case .failing(let reason):
      return [
        Finding(
          .agent, id, .error, "it runs and cannot answer: \(reason)", remedy: "See 'journalctl -u pbxlink'.")
      ]
    case .stopped:
      return [
        Finding(
          .agent, id, .warning, "it does not run: links stay as they are, and no change reaches this site",
          remedy: "Run 'systemctl start pbxlink'; if it ends again, see 'journalctl -u pbxlink'.")
      ]
    case .unseen(let unseen): return [Finding(.agent, id, unseen)]
    }
  }

  /// How the planes differ from what they should be. A plane that could not be looked at is told once: not
  /// where an error of its group says why.
  func planFindings(besides others: [Finding]) -> [Finding] {
    guard !isDown else { return [] }
    let plan: Plan
    switch self.plan {
    case .unseen(let unseen): return [Finding(.agent, "plan", unseen)]
    case .seen(nil): return []
    case .seen(let seen?): plan = seen
    }
    let groups: [(String, Finding.Group)] = [
      ("tunnel", .tunnel), ("openvpn", .tunnel), ("firewall", .firewall), ("trunk", .asterisk),
    ]
    return groups.compactMap { plane, group in
      let id = "\(plane)-state"
      if let unknown = plan.unknown.first(where: { $0.hasPrefix("\(plane): ") }) {
        guard !others.contains(where: { $0.group == group && $0.severity == .error }) else { return nil }
        return Finding(
          group, id, .error, String(unknown.dropFirst(plane.count + 2)),
          remedy: "Put this right; the agent tries again every few seconds.")
      }
      let steps = plan.steps.filter { $0.plane == plane }.map(\.change)
      guard let first = steps.first else { return Finding(group, id, .ok, "as it should be") }
      let others = steps.count > 1 ? " (and \(steps.count - 1) more)" : ""
      // Without its firewall the trunk is open to whoever finds it.
      return Finding(
        group, id, group == .firewall ? .error : .warning, "not as it should be: \(first)\(others)",
        remedy: isRunning
          ? "The agent repairs it in seconds; if not, see 'pbxlink plan' and 'journalctl -u pbxlink'."
          : "Start the agent: 'systemctl start pbxlink'.")
    }
  }

  /// What the agent complains of and no other finding says.
  func problemFindings(knowing known: [String]) -> [Finding] {
    guard case .member(let status) = state, let unknown = plan.value??.unknown else { return [] }
    return status.agent.problems.filter { !known.contains($0) && !unknown.contains($0) }.map {
      Finding(
        .agent, "agent-problem", .warning, $0, remedy: "See 'pbxlink status' and 'journalctl -u pbxlink'.")
    }
  }
}
