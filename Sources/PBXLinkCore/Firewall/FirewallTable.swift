// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: pbxlink contributors

/// The names inside the table `inet pbxlink`, for those who read it back.
public enum FirewallTable {
  /// The named counters of the table, in the order of its listing.
  public enum Counter: String, Sendable, CaseIterable {
    /// IAX2 from members.
    case memberIAX = "member_iax"
    /// Probes from members.
    case memberProbe = "member_probe"
    /// New connections from members to the exchange.
    case memberExchange = "member_exchange"
    /// Anything else from members; dropped.
    case memberOther = "member_other"
    /// Packets from invited sites to the exchange.
    case invitedExchange = "invited_exchange"
    /// Anything else from invited sites; dropped.
    case invitedOther = "invited_other"
    /// Packets through the tunnel from addresses that belong to no member; dropped.
    case stranger
    /// Packets with a tunnel address that came by another interface; dropped.
    case spoofed
    /// IAX2 from elsewhere; dropped.
    case outsideIAX = "outside_iax"
    /// Packets that reached the tunnel's port, from whomever.
    case tunnel
    /// Packets to a tunnel address that would have left outside the tunnel; dropped.
    case leaked
    /// Packets that another host wanted routed into or out of the tunnel; dropped.
    case forwarded
    /// Packets passed on between members, by a relay.
    case relayed
    /// Packets between members that a relay does not pass on; dropped.
    case relayedOther = "relayed_other"
  }

  static let tunnels = "tunnels"
  static let peerTunnels = "peer_tunnels"
  static let peers = "peers"
  static let members = "members"
  static let invited = "invited"
  static let mesh = "mesh"
  static let allowed = "iax_allowed"

  /// The set for one family: nftables sets hold one type.
  static func set(_ name: String, _ family: IPAddress.Family) -> String {
    "\(name)_\(family == .v4 ? "v4" : "v6")"
  }
}

extension FirewallConfiguration {
  /// The table as `nft --stateless list table inet pbxlink` prints it, but for the wrapping of elements.
  public var listing: String {
    var blocks = FirewallTable.Counter.allCases.map { block("counter \($0.rawValue)", []) }
    let ofPeers = peerInterfaces.map(\.name)
    for (name, names) in [
      (FirewallTable.tunnels, interfaces + ofPeers), (FirewallTable.peerTunnels, ofPeers),
    ] {
      blocks.append(set(name, type: "ifname", Set(names).sorted().map { "\"\($0)\"" }))
    }
    for family in [IPAddress.Family.v4, .v6] {
      for (name, addresses) in [(FirewallTable.members, members), (FirewallTable.invited, invited)] {
        blocks.append(
          set(
            FirewallTable.set(name, family), type: typeName(family), attributes: ["counter"],
            Set(addresses.filter { $0.family == family }).sorted().map { "\($0) counter" }))
      }
      let ends = peerInterfaces.flatMap { interface in
        interface.addresses.filter { $0.family == family }.map { "\"\(interface.name)\" . \($0)" }
      }
      blocks.append(
        set(
          FirewallTable.set(FirewallTable.peers, family), type: "ifname . \(typeName(family))",
          Set(ends).sorted()))
      for (name, prefixes) in [(FirewallTable.mesh, meshNetworks), (FirewallTable.allowed, allowedIAX)] {
        blocks.append(
          set(
            FirewallTable.set(name, family), type: typeName(family), attributes: ["flags interval"],
            outermost(prefixes.filter { $0.family == family }).map(Self.element)))
      }
    }
    blocks += [
      input, fromTunnel, fromPeerTunnel, fromSource, fromMember, fromInvited,
    ]
    if !relayedIAX.isEmpty { blocks += [relay, relayFrom, relayed] }
    blocks += [forward, output, voice]
    return "table inet pbxlink {\n\(blocks.joined(separator: "\n"))}\n"
  }

  /// A little before `filter`, so that others' rules see only what passed here. Accepting here leaves their
  /// verdict to them.
  private static let priority = "priority filter - 10; policy accept;"

  private var input: String {
    var rules = [
      "type filter hook input \(Self.priority)",
      "iifname \"lo\" accept",
      "iifname @\(FirewallTable.tunnels) goto from_tunnel",
    ]
    // The source address is what authenticates a peer, and a tunnel address is reachable by the tunnel only.
    rules += eachFamily { protocolName, family in
      ["saddr", "daddr"].map {
        "\(protocolName) \($0) @\(FirewallTable.set(FirewallTable.mesh, family)) \(drop(.spoofed))"
      }
    }
    if protectIAX {
      rules += eachFamily { protocolName, family in
        [
          "udp dport \(iaxPort) \(protocolName) saddr @\(FirewallTable.set(FirewallTable.allowed, family)) accept"
        ]
      }
      rules.append("udp dport \(iaxPort) \(drop(.outsideIAX))")
    }
    rules.append("udp dport \(tunnelPort) \(count(.tunnel))")
    return block("chain input", rules)
  }

  private var fromTunnel: String {
    block(
      "chain from_tunnel",
      ["iifname @\(FirewallTable.peerTunnels) goto from_peer_tunnel", "goto from_source"])
  }

  /// Membership is looked at before connection tracking, so that a revoked site's open flows end too.
  private var fromSource: String {
    let rules = eachFamily { protocolName, family in
      [FirewallTable.members, FirewallTable.invited].map {
        "\(protocolName) saddr @\(FirewallTable.set($0, family)) goto from_\($0)"
      }
    }
    return block("chain from_source", rules + [drop(.stranger)])
  }

  /// There the interface is the proof of who speaks, and the address must be that peer's.
  private var fromPeerTunnel: String {
    let rules = eachFamily { protocolName, family in
      [
        "iifname . \(protocolName) saddr @\(FirewallTable.set(FirewallTable.peers, family)) "
          + "goto from_source"
      ]
    }
    return block("chain from_peer_tunnel", rules + [drop(.stranger)])
  }

  private var fromMember: String {
    block(
      "chain from_\(FirewallTable.members)",
      [
        "udp dport \(iaxPort) \(count(.memberIAX)) accept",
        "udp dport \(probePort) \(count(.memberProbe)) accept",
        "ct state established,related accept",
        "tcp dport \(exchangePort) \(count(.memberExchange)) accept",
        "icmp type echo-request accept",
        "icmpv6 type echo-request accept",
        drop(.memberOther),
      ])
  }

  private var fromInvited: String {
    block(
      "chain from_\(FirewallTable.invited)",
      ["tcp dport \(exchangePort) \(count(.invitedExchange)) accept", drop(.invitedOther)])
  }

  private var forward: String {
    let relays = relayedIAX.isEmpty ? [] : ["iifname @\(Self.tunnels) oifname @\(Self.tunnels) goto relay"]
    return block(
      "chain forward",
      ["type filter hook forward \(Self.priority)"] + relays
        + ["iifname", "oifname"].map { "\($0) @\(Self.tunnels) \(drop(.forwarded))" })
  }

  /// Between members only, and from each by its own addresses.
  private var relay: String {
    let ends = eachFamily { protocolName, family in
      [
        "iifname . \(protocolName) saddr @\(FirewallTable.set(FirewallTable.peers, family)) goto relay_from"
      ]
    }
    return block(
      "chain relay",
      ends + ["iifname @\(FirewallTable.peerTunnels) \(drop(.stranger))", "goto relay_from"])
  }

  private var relayFrom: String {
    let rules = eachFamily { protocolName, family in
      let members = FirewallTable.set(FirewallTable.members, family)
      return ["\(protocolName) saddr @\(members) \(protocolName) daddr @\(members) goto relayed"]
    }
    return block("chain relay_from", rules + [drop(.stranger)])
  }

  private var relayed: String {
    let ports = (relayedIAX.union([probePort])).sorted().map(\.description).joined(separator: ", ")
    return block(
      "chain relayed",
      [
        "udp dport { \(ports) } \(count(.relayed)) accept",
        "ct state established,related \(count(.relayed)) accept",
        "tcp dport \(exchangePort) \(count(.relayed)) accept",
        drop(.relayedOther),
      ])
  }

  private static let tunnels = FirewallTable.tunnels

  /// Fails closed: without its tunnel a call to a peer ends here, not in the clear on the Internet.
  private var output: String {
    block(
      "chain output",
      [
        "type filter hook output \(Self.priority)", "oifname \"lo\" accept",
      ]
        // A relay must not tell sites that cannot reach each other to try.
        + (relayedIAX.isEmpty ? [] : ["oifname @\(FirewallTable.tunnels) icmp type redirect drop"])
        + ["oifname @\(FirewallTable.tunnels) accept"]
        + eachFamily { protocolName, family in
          ["\(protocolName) daddr @\(FirewallTable.set(FirewallTable.mesh, family)) \(drop(.leaked))"]
        })
  }

  /// WireGuard does not copy the DSCP of what it carries, so without this the routers on the way cannot tell
  /// calls from anything else (Expedited Forwarding, RFC 3246).
  private var voice: String {
    block(
      "chain voice",
      ["type filter hook output priority mangle; policy accept;"]
        + eachFamily { protocolName, _ in ["udp sport \(tunnelPort) \(protocolName) dscp set ef"] })
  }

  private func count(_ counter: FirewallTable.Counter) -> String { "counter name \"\(counter.rawValue)\"" }
  private func drop(_ counter: FirewallTable.Counter) -> String { "\(count(counter)) drop" }

  private func eachFamily(_ rules: (String, IPAddress.Family) -> [String]) -> [String] {
    rules("ip", .v4) + rules("ip6", .v6)
  }

  private func typeName(_ family: IPAddress.Family) -> String { family == .v4 ? "ipv4_addr" : "ipv6_addr" }

  private func block(_ heading: String, _ lines: [String]) -> String {
    "\t\(heading) {\n\(lines.map { "\t\t\($0)\n" }.joined())\t}\n"
  }

  private func set(_ name: String, type: String, attributes: [String] = [], _ elements: [String]) -> String {
    let list = elements.joined(separator: ",\n\t\t\t     ")
    return block(
      "set \(name)", ["type \(type)"] + attributes + (elements.isEmpty ? [] : ["elements = { \(list) }"]))
  }

  /// An interval set refuses a prefix inside another one.
  private func outermost(_ prefixes: [IPPrefix]) -> [IPPrefix] {
    // Sorted, a prefix comes right before those inside it.
    prefixes.sorted().reduce(into: []) { kept, prefix in
      if kept.last?.overlaps(prefix) != true { kept.append(prefix) }
    }
  }

  /// nft prints a single address without its length.
  static func element(_ prefix: IPPrefix) -> String {
    prefix.hostBits == 0 ? "\(prefix.address)" : "\(prefix)"
  }
}
