// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: pbxlink contributors

internal import Glibc
public import PBXLinkCore

/// The OpenVPN links: for each its TUN device, addresses and routes, and an openvpn process that outlives the
/// agent; and the port that those which listen share.
public struct OpenVPNPlane: Sendable {
  private let kernel: RouteNetlink
  let processes: OpenVPNProcesses
  private let sharedPort: SharedPortProcess

  /// The command that runs openvpn without rights over the network: as root it gives up all capabilities but
  /// those that it needs to become another user, and openvpn 2.6 would keep CAP_NET_ADMIN even then.
  public static let command =
    geteuid() == 0
    ? ["setpriv", "--bounding-set=-all,+setuid,+setgid", "openvpn"]
    : ["setpriv", "--inh-caps=-all", "openvpn"]

  /// The links in the network namespace of `kernel`, where `command` must run openvpn, too. Configurations and
  /// sockets are in `directory`, such as /run/pbxlink/openvpn, whose parent must exist.
  public init(
    kernel: RouteNetlink, directory: String, command: [String] = Self.command, sharedPort: SharedPortProcess
  ) {
    self.kernel = kernel
    processes = OpenVPNProcesses(directory: directory, command: command)
    self.sharedPort = sharedPort
  }

  /// Reads everything back. A process that does not answer is reported as such and hinders no other.
  public func observe() async throws -> ObservedOpenVPN {
    let found = try processes.find()
    var observed = ObservedOpenVPN()
    let routes = try await kernel.ownRoutesByInterface()
    let addresses = Dictionary(
      grouping: try await kernel.addresses().filter { !$0.isLinkScope }, by: \.interfaceIndex)
    for (name, link) in try await kernel.links(named: OpenVPNLink.isInterfaceName) {
      guard link.kind == "tun" else {
        observed.links[name] = ObservedOpenVPN.Link(link: .foreign(kind: link.kind))
        continue
      }
      var state = ObservedOpenVPN.Link(link: link.isUp ? .up : .down)
      state.mtu = link.mtu
      state.addresses = Set((addresses[link.index] ?? []).map(\.address))
      state.routes = routes[link.index] ?? []
      state.filtersReversePath = try await kernel.settings(of: name).filtersReversePath
      observed.links[name] = state
    }
    await withTaskGroup { group in
      for (name, list) in found {
        group.addTask { (name, await processes.observe(list, of: name)) }
      }
      for await (name, process) in group {
        observed.links[name, default: ObservedOpenVPN.Link(link: .missing)].process = process
      }
    }
    observed.sharedPort = try await sharedPort.observe().map { listen, peers in
      ObservedOpenVPN.SharedPort(
        listen: listen, peers: Dictionary(peers.map { ($0.port, $0.controlKey) }) { first, _ in first })
    }
    return observed
  }

  /// Carries changes out in their order. A link that fails is left there and the others go on; what failed is
  /// thrown at the end.
  public func apply(_ changes: [OpenVPNChange], to configuration: OpenVPNConfiguration) async throws {
    var failures: [any Error] = []
    var failed: Set<String?> = []
    var isChecked = false
    for change in changes where !failed.contains(change.interface) {
      do {
        if change.startsProcess, !isChecked {
          try await processes.checkVersion()
          isChecked = true
        }
        try await apply(change, configuration)
      } catch {
        failed.insert(change.interface)
        if !failures.contains(where: { "\($0)" == "\(error)" }) { failures.append(error) }
      }
    }
    if failures.count > 1 { throw OpenVPNError.several(failures.map { "\($0)" }) }
    if let failure = failures.first { throw failure }
  }

  /// Takes everything away: processes, interfaces with their routes, the shared port, and our files.
  public func remove() async throws {
    var names = Set(try processes.find().keys).union(try processes.interfacesWithFiles())
    names.formUnion(try await kernel.links(named: OpenVPNLink.isInterfaceName).keys)
    for name in names.sorted() { try await removeLink(name) }
    try await sharedPort.remove()
    try processes.removeDirectory()
  }

  private func apply(_ change: OpenVPNChange, _ configuration: OpenVPNConfiguration) async throws {
    switch change {
    case .createLink(let name):
      try await kernel.createTUN(name, owner: geteuid())
      if try await kernel.settings(of: name).filtersReversePath {
        try await kernel.disableReversePathFilter(name)
      }
    case .removeLink(let name, _): try await removeLink(name)
    case .addAddress(let name, let address): try await kernel.addAddress(address, to: name)
    case .removeAddress(let name, let address): try await kernel.deleteAddress(address, from: name)
    case .setMTU(let name, let mtu): try await kernel.setMTU(name, mtu)
    case .disableReversePathFilter(let name): try await kernel.disableReversePathFilter(name)
    case .setUp(let name): try await kernel.setUp(name)
    case .startProcess(let name), .restartProcess(let name, _):
      guard let link = configuration.links.first(where: { $0.interface == name }) else { return }
      try await processes.start(link, of: configuration)
    case .stopProcess(let name): try await processes.stop(name)
    case .addRoute(let name, let route): try await kernel.replace(route, through: name)
    case .removeRoute(let name, let route): try await kernel.delete(route, through: name)
    case .setSharedPortPeers:
      try sharedPort.install(
        configuration.sharedPortPeers.map { SharedPortPeer(controlKey: $0.value, port: $0.key) }
          .sorted { $0.port < $1.port })
    case .startSharedPort(let listen): try await sharedPort.start(listen)
    case .stopSharedPort: try await sharedPort.stop()
    }
  }

  private func removeLink(_ name: String) async throws {
    // The process first: without its interface it would spin.
    try await processes.stop(name)
    try await kernel.deleteLink(name)
  }
}

extension OpenVPNChange {
  fileprivate var startsProcess: Bool {
    switch self {
    case .startProcess, .restartProcess: true
    default: false
    }
  }
}
