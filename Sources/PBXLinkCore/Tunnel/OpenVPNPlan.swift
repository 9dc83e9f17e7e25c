// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: pbxlink contributors

/// The least changes that lead from one state of the OpenVPN links to the other. Who loses access loses it
/// first; then each link gets its interface, its process and last its routes. Empty when nothing differs.
///
/// A link that is taken into use or out of it gets or loses its routes and nothing else. An interface that no
/// link asks for goes, if its name is one of ours. A process that says nothing is left alone: its traffic may
/// well go on.
public func changes(from observed: ObservedOpenVPN, to desired: OpenVPNConfiguration) -> [OpenVPNChange] {
  let wanted = Set(desired.links.map(\.interface))
  let port = OpenVPNPlan.sharedPort(from: observed.sharedPort, to: desired)
  var changes = port.before
  for (name, link) in observed.links.sorted(by: { $0.key < $1.key }) where !wanted.contains(name) {
    if link.link != .missing {
      changes.append(.removeLink(name, replaced: false))
    } else if link.process != nil {
      changes.append(.stopProcess(name))
    }
  }
  for link in desired.links {
    changes += OpenVPNPlan.changes(
      from: observed.links[link.interface] ?? ObservedOpenVPN.Link(link: .missing), to: link, of: desired)
  }
  return changes + port.after
}

enum OpenVPNPlan {
  static func changes(
    from observed: ObservedOpenVPN.Link, to link: OpenVPNLink, of desired: OpenVPNConfiguration
  ) -> [OpenVPNChange] {
    let name = link.interface
    var current = observed
    var changes: [OpenVPNChange] = []
    switch observed.link {
    case .up, .down: break
    case .missing: changes = [.createLink(name)]
    case .foreign: changes = [.removeLink(name, replaced: true), .createLink(name)]
    }
    let isNew = !changes.isEmpty
    if isNew { current = ObservedOpenVPN.Link(link: .down) }

    let addresses = Set(desired.addresses.map(InterfaceAddress.init))
    changes += addresses.subtracting(current.addresses).sorted().map { .addAddress(name, $0) }
    if current.mtu != desired.mtu { changes.append(.setMTU(name, desired.mtu)) }
    if current.filtersReversePath { changes.append(.disableReversePathFilter(name)) }
    if current.link != .up { changes.append(.setUp(name)) }

    if let process = observed.process, observed.link.isOurs || observed.link == .missing {
      // One whose interface was deleted spins on the dead descriptor.
      if isNew || process.management == .held
        || process.configuration != OpenVPNProcessConfiguration(link, of: desired)
      {
        changes.append(.restartProcess(name, isInUse: link.isInUse))
      }
    } else {
      changes.append(.startProcess(name))
    }

    let routes = desired.routes(of: link)
    let slots = Set(routes.map(\.slot))
    changes += routes.subtracting(current.routes).sorted().map { .addRoute(name, $0) }
    changes += current.routes.filter { !slots.contains($0.slot) }.sorted().map { .removeRoute(name, $0) }
    changes += current.addresses.subtracting(addresses).sorted().map { .removeAddress(name, $0) }
    return changes
  }

  /// The table is there before the port is open.
  static func sharedPort(
    from observed: ObservedOpenVPN.SharedPort?, to desired: OpenVPNConfiguration
  ) -> (before: [OpenVPNChange], after: [OpenVPNChange]) {
    guard let listen = desired.sharedPort else {
      return (observed == nil ? [] : [.stopSharedPort(replaced: false)], [])
    }
    let isRunning = observed?.listen == listen
    let known = isRunning ? observed?.peers ?? [:] : [:]
    let wanted = desired.sharedPortPeers
    var before: [OpenVPNChange] = observed != nil && !isRunning ? [.stopSharedPort(replaced: true)] : []
    if !isRunning || known != wanted {
      before.append(
        .setSharedPortPeers(
          adding: Set(wanted.filter { known[$0.key] != $0.value }.keys),
          removing: Set(known.filter { wanted[$0.key] != $0.value }.keys)))
    }
    return (before, isRunning ? [] : [.startSharedPort(listen)])
  }
}

extension ObservedTunnel.Link {
  fileprivate var isOurs: Bool { self == .up || self == .down }
}
