// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: pbxlink contributors

public import PBXLinkCore

/// One way to carry WireGuard interfaces. All methods can be repeated.
public protocol TunnelBackend: Sendable {
  /// Which one it is, never `auto`.
  var name: Configuration.TunnelBackend { get }
  /// Reads the interface back; nil when nothing of it is there.
  func observe(interface: String) async throws -> ObservedTunnel?
  /// Carries changes out in their order and stops at the first that fails. Read back afterwards: what was done
  /// before stays done.
  func apply(_ changes: [TunnelChange], to configuration: TunnelConfiguration) async throws
  /// Deletes the interface and our guard routes.
  func remove(interface: String) async throws
}

/// What differs between WireGuard in the kernel and in a process.
protocol WireGuardDevice: Sendable {
  /// The kind of link that the device has in rtnetlink.
  var linkKind: String { get }
  func create(_ interface: String) async throws
  func delete(_ interface: String) async throws
  /// Nil when the link is there but nothing answers for it.
  func state(_ interface: String) async throws -> WireGuardState?
  func configure(_ interface: String, _ settings: WireGuardSettings) async throws
}

/// What does not: links, addresses and routes, and the order of it all.
struct WireGuardPlane: Sendable {
  let kernel: RouteNetlink
  let device: any WireGuardDevice

  func observe(_ interface: String) async throws -> ObservedTunnel? {
    let link = try await kernel.link(interface)
    let own = try await kernel.ownRoutes(throughIndex: link?.index)
    if link == nil, own.guards.isEmpty { return nil }
    var tunnel = ObservedTunnel(interface: interface, link: .missing)
    tunnel.guards = own.guards
    guard let link else { return tunnel }
    guard link.kind == device.linkKind, let state = try await device.state(interface) else {
      tunnel.link = .foreign(kind: link.kind)
      return tunnel
    }
    tunnel.link = link.isUp ? .up : .down
    tunnel.mtu = link.mtu
    let settings = try await kernel.settings(of: interface)
    tunnel.filtersReversePath = settings.filtersReversePath
    tunnel.forwards = settings.forwards
    tunnel.addresses = Set(
      try await kernel.addresses().filter { $0.interfaceIndex == link.index && !$0.isLinkScope }.map(
        \.address))
    (tunnel.routes, tunnel.routeMTUs) = (own.routes, own.mtus)
    tunnel.publicKey = state.publicKey
    tunnel.listenPort = state.listenPort
    tunnel.peers = state.peers
    return tunnel
  }

  func apply(_ changes: [TunnelChange], to configuration: TunnelConfiguration) async throws {
    let interface = configuration.interface
    // Neighbouring WireGuard changes go out together, batched by the device.
    var settings = WireGuardSettings()
    for change in changes {
      if settings.add(change, privateKey: configuration.privateKey) { continue }
      try await flush(&settings, interface)
      switch change {
      case .addGuard(let prefix): try await kernel.replaceGuard(prefix)
      case .removeGuard(let prefix): try await kernel.deleteGuard(prefix)
      case .createLink:
        try await device.create(interface)
        if try await kernel.settings(of: interface).filtersReversePath {
          try await kernel.disableReversePathFilter(interface)
        }
      case .removeLink: try await device.delete(interface)
      case .addAddress(let address): try await kernel.addAddress(address, to: interface)
      case .removeAddress(let address): try await kernel.deleteAddress(address, from: interface)
      case .setMTU(let mtu): try await kernel.setMTU(interface, mtu)
      case .disableReversePathFilter: try await kernel.disableReversePathFilter(interface)
      case .enableForwarding: try await kernel.enableForwarding(interface)
      case .setUp: try await kernel.setUp(interface)
      case .addRoute(let prefix): try await kernel.replaceRoute(prefix, through: interface)
      case .setRouteMTU(let prefix, let mtu):
        try await kernel.replaceRoute(prefix, through: interface, mtu: mtu)
      case .removeRoute(let prefix), .removeRouteMTU(let prefix):
        try await kernel.deleteRoute(prefix, through: interface)
      case .setKey, .setListenPort, .addPeer, .updatePeer, .cutPeerOff, .removePeer: break
      }
    }
    try await flush(&settings, interface)
  }

  func remove(_ interface: String) async throws {
    try await device.delete(interface)
    for prefix in try await kernel.ownRoutes(throughIndex: nil).guards {
      try await kernel.deleteGuard(prefix)
    }
  }

  private func flush(_ settings: inout WireGuardSettings, _ interface: String) async throws {
    guard !settings.isEmpty else { return }
    try await device.configure(interface, settings)
    settings = WireGuardSettings()
  }
}
