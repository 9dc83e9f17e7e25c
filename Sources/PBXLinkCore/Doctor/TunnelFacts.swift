// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: pbxlink contributors

/// What carries the tunnel.
public struct TunnelFacts: Sendable {
  /// Which implementation the site file asks for.
  public var wanted: Configuration.TunnelBackend
  /// What the running agent has chosen, and why; nil where none runs or it has none.
  public var chosen: (name: String, reason: String)?
  /// Whether the kernel has links of type `wireguard`.
  public var kernelHasWireGuard: Look<Bool>
  /// Whether `wireguard-go` is in PATH.
  public var hasWireGuardGo: Bool
  /// Whether /dev/net/tun is there.
  public var hasTUN: Bool
  /// Why OpenVPN cannot be run, if some path needs it: nil in the outer optional when none does, in the inner
  /// one when it can.
  public var openVPNProblem: String??
  /// Whether this process may change the network.
  public var mayAdministerNetwork: Bool
  /// Whether this process is root's.
  public var isRoot: Bool

  /// Facts about the tunnel.
  public init(
    wanted: Configuration.TunnelBackend, chosen: (name: String, reason: String)?,
    kernelHasWireGuard: Look<Bool>,
    hasWireGuardGo: Bool, hasTUN: Bool, openVPNProblem: String?? = nil, mayAdministerNetwork: Bool,
    isRoot: Bool
  ) {
    self.wanted = wanted
    self.chosen = chosen
    self.kernelHasWireGuard = kernelHasWireGuard
    self.hasWireGuardGo = hasWireGuardGo
    self.hasTUN = hasTUN
    self.openVPNProblem = openVPNProblem
    self.mayAdministerNetwork = mayAdministerNetwork
    self.isRoot = isRoot
  }

  var findings: [Finding] {
    [rights, backend] + (usesProcess || openVPNProblem != nil ? [device] : [])
      + (openVPNProblem.map { [openVPN($0)] } ?? [])
  }

  private func openVPN(_ problem: String?) -> Finding {
    guard let problem else { return Finding(.tunnel, "openvpn", .ok, "OpenVPN can be run") }
    return Finding(
      .tunnel, "openvpn", .warning, "links cannot fall back to TCP: \(problem)",
      remedy: "Install OpenVPN 2.6 or newer ('apt install openvpn'), or take openvpn-tcp out of tunnel.paths."
    )
  }

  private var rights: Finding {
    let id = "cap-net-admin"
    if mayAdministerNetwork {
      return Finding(.tunnel, id, .ok, "this user may change the network (CAP_NET_ADMIN)")
    }
    guard isRoot else {
      return Finding(
        .tunnel, id,
        Unseen("this user has no CAP_NET_ADMIN; the agent needs it", remedy: "Run 'pbxlink doctor' as root."))
    }
    return Finding(
      .tunnel, id, .error, "root has no CAP_NET_ADMIN here: no tunnel and no firewall can be made",
      remedy: "Give the container or the service CAP_NET_ADMIN.")
  }

  /// Whether the tunnel is, or would be, one of wireguard-go's.
  private var usesProcess: Bool {
    if let chosen { return chosen.name == Configuration.TunnelBackend.userspace.rawValue }
    return wanted == .userspace || (wanted == .auto && kernelHasWireGuard.value == false)
  }

  private var backend: Finding {
    let id = "tunnel-backend"
    let install = "Install it: 'apt install wireguard-go'."
    if usesProcess, !hasWireGuardGo {
      let why = wanted == .userspace ? "tunnel.backend asks for it" : "the kernel has no link type wireguard"
      return Finding(
        .tunnel, id, .error, "wireguard-go is not in PATH, and \(why)",
        remedy: wanted == .userspace ? install : "\(install) Or load the kernel module: 'modprobe wireguard'."
      )
    }
    if let chosen { return Finding(.tunnel, id, .ok, "\(chosen.name): \(chosen.reason)") }
    switch (wanted, kernelHasWireGuard) {
    case (.userspace, _): return Finding(.tunnel, id, .ok, "wireguard-go, as tunnel.backend asks")
    case (_, .unseen(let unseen)): return Finding(.tunnel, id, unseen)
    case (_, .seen(true)): return Finding(.tunnel, id, .ok, "the kernel has WireGuard")
    case (.kernel, .seen(false)):
      return Finding(
        .tunnel, id, .error, "tunnel.backend asks for the kernel's WireGuard, and the kernel has none",
        remedy: "Load the module ('modprobe wireguard'), or set tunnel.backend to auto.")
    case (.auto, .seen(false)):
      return Finding(.tunnel, id, .ok, "wireguard-go, since the kernel has no link type wireguard")
    }
  }

  private var device: Finding {
    hasTUN
      ? Finding(.tunnel, "tun-device", .ok, "/dev/net/tun is there")
      : Finding(
        .tunnel, "tun-device", .error, "there is no /dev/net/tun, which wireguard-go and OpenVPN need",
        remedy: "Run 'modprobe tun'; in a container, pass the device in.")
  }
}
