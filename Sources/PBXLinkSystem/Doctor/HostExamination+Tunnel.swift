// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: pbxlink contributors

internal import Glibc
internal import PBXLinkCore

extension HostExamination {
  /// CAP_NET_ADMIN in the effective set (capabilities(7)).
  static var hasNetworkCapability: Bool {
    // capsh --print
    let bytes = (try? AsteriskFile.read("/proc/self/status")) ?? nil
    let lines = String(decoding: bytes ?? [], as: UTF8.self).split(separator: "\n")
    let mask = lines.first { $0.hasPrefix("CapEff:") }?.split(separator: "\t").last.flatMap {
      UInt64($0, radix: 16)
    }
    return (mask ?? 0) & (1 << 12) != 0
  }

  private func chosen(_ state: AgentFacts.State) -> (name: String, reason: String)? {
    guard case .member(let status) = state, let name = status.agent.tunnelBackend else { return nil }
    return (name, status.agent.tunnelBackendReason ?? "")
  }

  /// The backend that the agent has chosen, or would choose.
  func backend(of state: AgentFacts.State) async -> Look<any TunnelBackend> {
    await Self.look {
      try requireCapability()
      switch chosen(state)?.name {
      case Configuration.TunnelBackend.kernel.rawValue: return try KernelWireGuard(RouteNetlink())
      case Configuration.TunnelBackend.userspace.rawValue: return try UserspaceWireGuard(RouteNetlink())
      default: return try await TunnelBackends.choose(configuration.tunnel.backend).backend
      }
    }
  }

  func tunnelFacts(_ state: AgentFacts.State) async -> TunnelFacts {
    let hasKernel: Look<Bool> = await Self.look {
      try requireCapability()
      return try await TunnelBackends.kernelHasWireGuard(RouteNetlink())
    }
    return TunnelFacts(
      wanted: configuration.tunnel.backend, chosen: chosen(state), kernelHasWireGuard: hasKernel,
      hasWireGuardGo: (try? UserspaceWireGuard(RouteNetlink())) != nil,
      hasTUN: access("/dev/net/tun", F_OK) == 0,
      openVPNProblem: needsOpenVPN(state) ? .some(await openVPNProblem()) : nil,
      mayAdministerNetwork: mayAdministerNetwork, isRoot: isRoot)
  }

  /// Why OpenVPN cannot be run; nil when it can.
  private func openVPNProblem() async -> String? {
    do {
      try await OpenVPNPlane(configuration).checkVersion()
      return nil
    } catch {
      return "\(error)"
    }
  }

  /// Whether a path is configured here, or in use with some peer.
  func needsOpenVPN(_ state: AgentFacts.State) -> Bool {
    guard configuration.tunnel.paths.contains(.openvpnTCP) else { return false }
    guard configuration.openVPN.endpoints.isEmpty else { return true }
    guard case .member(let status) = state else { return false }
    return status.peers.contains { peer in peer.paths.contains { $0.name == .openvpnTCP } }
  }

  func ports(_ state: AgentFacts.State, _ tunnel: Look<any TunnelBackend>) async -> PortFacts {
    let port = configuration.tunnel.listenPort
    let exchangePort = configuration.exchangePort
    var serves = false
    if case .member(let status) = state { serves = !status.agent.isDown && !status.site.revoked }
    let isStopped = if case .stopped = state { true } else { false }
    return PortFacts(
      tunnelPort: port, exchangePort: exchangePort,
      tunnelPortIsOpen: Self.look { try UDPSockets.openPorts().contains(port) },
      ownTunnelPort: await Self.look {
        try await tunnel.get().observe(interface: configuration.tunnel.interface)?.listenPort
      },
      exchangePortIsOpen: Self.look { try TCPListeners.ports().contains(exchangePort) },
      servesExchange: serves,
      isAgentStopped: isStopped)
  }

  private func requireCapability() throws {
    guard !mayAdministerNetwork else { return }
    throw Blind(
      "this user has no CAP_NET_ADMIN",
      remedy: isRoot ? "Give the container or the service CAP_NET_ADMIN." : "Run 'pbxlink doctor' as root.")
  }
}

/// TCP ports on which somebody listens.
enum TCPListeners {
  /// The local ports in this network namespace.
  static func ports() throws(AsteriskError) -> Set<UInt16> {
    // ss --listening --tcp --numeric
    let texts = try ["/proc/net/tcp", "/proc/net/tcp6"].map { path throws(AsteriskError) in
      String(decoding: try AsteriskFile.read(path) ?? [], as: UTF8.self)
    }
    return Set(texts.flatMap(ports))
  }

  /// The fourth field of each line is the state; 0A is LISTEN (proc_net_tcp(5)).
  static func ports(in text: String) -> [UInt16] {
    text.split(separator: "\n").dropFirst().compactMap { line in
      let fields = line.split(separator: " ")
      guard fields.count > 3, fields[3] == "0A" else { return nil }
      return fields[1].split(separator: ":").last.flatMap { UInt16($0, radix: 16) }
    }
  }
}
