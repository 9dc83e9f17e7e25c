// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: pbxlink contributors

internal import Glibc
internal import PBXLinkCore

extension HostExamination {
  private var client: ControlClient { ControlClient(runtimeDirectory: configuration.runtimeDirectory) }

  /// What answers at the control socket.
  func agentState() async -> AgentFacts.State {
    let client = client
    guard access(client.socket, W_OK) == 0 else {
      if errno == ENOENT { return .stopped }
      return .unseen(
        Unseen(
          "\(client.socket): \(AsteriskError.text(errno))",
          remedy: "Run 'pbxlink doctor' as root or as a member of the group 'pbxlink'."))
    }
    guard UnixSocket.answers(client.socket) else { return .stopped }
    do {
      return .member(try await client.get("/v1/status"))
    } catch let failure as Failure where failure.exitCode == .configuration && !isStoredMember {
      return .alone
    } catch {
      return .failing("\(error)")
    }
  }

  private var isStoredMember: Bool {
    guard let agent = stored.value??.agent else { return false }
    if case .seen(nil) = agent { return false }
    return true
  }

  /// Whether this host is in a mesh, as far as is known.
  func isMember(_ state: AgentFacts.State) -> Bool {
    if case .member = state { true } else { isStoredMember }
  }

  /// What would change: by the agent, or by what it has stored.
  func plan(_ state: AgentFacts.State, _ tunnel: Look<any TunnelBackend>, at now: Timestamp) async -> Look<
    Plan?
  > {
    if case .member = state { return await Self.look { try await client.get("/v1/plan") as Plan } }
    if case .alone = state { return .seen(nil) }
    return await Self.look {
      guard let site = try stored.get(), !site.isDown, let agent = try site.agent.get() else { return nil }
      let planes = Planes(
        interface: configuration.tunnel.interface, tunnel: try tunnel.get(),
        openVPN: try OpenVPNPlane(configuration), firewall: Nftables(), trunk: trunkPlane)
      return await planes.plan(try agent.desiredState(at: now), at: now).plan
    }
  }
}

extension Look {
  /// What is there; throws why nothing is known.
  func get() throws -> Value {
    switch self {
    case .seen(let value): return value
    case .unseen(let unseen): throw Blind(unseen.reason, remedy: unseen.remedy)
    }
  }
}
