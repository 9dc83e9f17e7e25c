// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: pbxlink contributors

internal import PBXLinkCore

extension SiteFile {
  /// The sections in the order of the example, each with a comment.
  static let sections: [(name: String, comment: String)] = [
    ("numbers", "The numbers of this site."),
    ("asterisk", "This site's Asterisk, and which of its contexts take part."),
    ("trunk", "The IAX2 trunks to other sites."),
    ("tunnel", "The encrypted tunnel; its UDP port is the only one open to the Internet."),
    ("openvpn", "OpenVPN over TCP, for links where UDP does not get through."),
    ("keys", "The tunnel and trunk keys of this site."),
    ("firewall", "The nftables table 'inet pbxlink' around the tunnel."),
    ("exchange", "The exchange of signed documents, inside the tunnel."),
    ("probe", "The measurement of the links, inside the tunnel."),
    ("bfd", "BFD sessions (RFC 5880) with routers outside the mesh; none unless they are listed."),
    ("monitoring", "What Prometheus and other monitoring reads over HTTP: /metrics, /status.json, /readyz."),
    (
      "events",
      "Who is told of events, such as a link that is down; nobody unless it is set. 'pbxlink events' has them all."
    ),
    ("paths", "Where pbxlink keeps its files."),
  ]

  /// Every key of the site file.
  static let keys: [SiteFileKey] = [
    .list(
      "numbers", "extensions", \.numbers.extensions, .pattern, example: "[2XX]",
      "The extensions that other sites may call here: patterns and ranges such as\n"
        + "2XX, \"3[0-4]XX\" or 200-299 (X is 0-9, Z is 1-9, N is 2-9)."),
    .list(
      "numbers", "emergency", \.ownEmergencyNumbers, .emergencyNumber, example: "[\"115\"]",
      "Emergency numbers besides \(EmergencyNumbers.builtIn.joined(separator: ", ")).\n"
        + "No extension may shadow one, and no other site reaches one through here."),
    .one(
      "asterisk", "configuration_directory", \.asterisk.configurationDirectory, .path,
      "Asterisk's configuration directory (astetcdir)."),
    .optional(
      "asterisk", "local_context", \.asterisk.localContext, .context, example: "local-extensions",
      "The dialplan context that holds the local extensions and nothing else.\n"
        + "Calls from other sites arrive there."),
    .list(
      "asterisk", "phone_contexts", \.asterisk.phoneContexts, .context, example: "[phones]",
      "The contexts whose phones may call other sites."),
    .one(
      "asterisk", "manager_port", \.asterisk.managerPort, .number(1...65535),
      "The TCP port of Asterisk's manager interface on loopback."),
    .one(
      "trunk", "call_limit", \.trunk.callLimit, .number(1...1000),
      "Most simultaneous calls with one other site, both directions together."),
    .list(
      "trunk", "codecs", \.trunk.codecs, .codec, example: "[ulaw, alaw]", "Codecs, the preferred one first."),
    .one(
      "trunk", "encryption", \.trunk.encryption, .boolean, "AES-128 inside the tunnel, as a second layer."),
    .one("trunk", "port", \.trunk.port, .number(1...65535), "The UDP port of Asterisk's IAX2."),
    .one(
      "tunnel", "backend", \.tunnel.backend, .choice,
      "WireGuard in the kernel, in user space (wireguard-go), or auto: the kernel's where there is one."),
    .one("tunnel", "interface", \.tunnel.interface, .interface, "The name of the tunnel interface."),
    .one(
      "tunnel", "listen_port", \.tunnel.listenPort, .number(1...65535), "The UDP port of the tunnel."),
    .list(
      "tunnel", "endpoints", \.tunnel.endpoints, .endpoint, example: "[\"pbx.example.com:51820\"]",
      "Where other sites reach that port: public addresses or DNS names. Leave it out behind NAT."),
    .optional(
      "tunnel", "mtu", \.tunnel.mtu, .number(1280...9000), example: "1420",
      "The MTU of the tunnel interfaces in bytes. Left out, it follows from the interface to the Internet."),
    .one(
      "tunnel", "keepalive", \.tunnel.keepalive, .number(0...65535),
      "Seconds between keepalives, which hold NAT mappings open; 0 turns them off."),
    .list(
      "tunnel", "paths", \.tunnel.paths, .choice, example: "[wireguard, openvpn-tcp, relay]",
      "The ways to reach another site, the preferred one first: wireguard, openvpn-tcp where either site\n"
        + "has openvpn.endpoints, and relay, by a site with that role. The best one that works is used."),
    .list(
      "openvpn", "endpoints", \.openVPN.endpoints, .endpoint, example: "[\"pbx.example.com:443\"]",
      "Where other sites reach our OpenVPN: public addresses or DNS names. Left out, we only call others."),
    .one(
      "openvpn", "listen_port", \.openVPN.listenPort, .number(1...65535), "The TCP port behind them."),
    .optional(
      "openvpn", "proxy", \.openVPN.proxy, .endpoint, example: "proxy.example.com:3128",
      "The HTTP proxy by which we reach others."),
    .one(
      "keys", "rotation_days", \.rotationDays, .number(0...3650),
      "Days after which they are renewed, without a call noticing; 0 leaves it to 'pbxlink rotate-keys'."),
    .one(
      "firewall", "protect_iax", \.firewall.protectIAX, .boolean,
      "Drop IAX2 from everywhere but the tunnel, loopback and allow_iax."),
    .list(
      "firewall", "allow_iax", \.firewall.allowIAX, .prefix, example: "[192.168.1.0/24]",
      "Sources outside the mesh that may still speak IAX2, such as the office LAN."),
    .one("exchange", "port", \.exchangePort, .number(1...65535), "TCP port."),
    .one("probe", "port", \.probePort, .number(1...65535), "UDP port."),
    .one(
      "probe", "detection", \.detection, .choice,
      "How soon a dead path is noticed: normal is 1.5 seconds, fast 0.5 with three times as many packets,\n"
        + "slow 5 with a third of them. The faster of both ends counts, as far as neither asks for slow."),
    .one(
      "probe", "minimum_mos", \.minimumMOS, .mos,
      "The estimated MOS below which a link counts as degraded, and calls take another way where there is\n"
        + "one: 3.6 is where some callers are not content, 1 turns that off."),
    .list(
      "bfd", "neighbors", \.bfd.neighbors, .ipv4Address, example: "[192.168.1.1]",
      "Routers on a link of this server, by their IPv4 addresses there."),
    .list(
      "bfd", "multihop_neighbors", \.bfd.multihopNeighbors, .ipv4Address, example: "[10.20.0.1]",
      "Routers behind other routers. Their packets prove less: anyone on the way can send such ones."),
    .one(
      "bfd", "detection", \.bfd.detection, .choice,
      "How soon they are found to be gone, and we by them, as far as they agree: normal is 1.5 seconds,\n"
        + "fast 0.5, slow 5."),
    .list(
      "monitoring", "listen", \.monitoring.listen, .listener, example: "[\"127.0.0.1:9470\"]",
      "Addresses of this server and TCP ports. Any but a loopback address needs token_file. []: nowhere."),
    .optional(
      "monitoring", "token_file", \.monitoring.tokenFile, .path,
      example: "/etc/pbxlink/monitoring.token",
      "A file with a token of 16 characters or more, which readers must then show (Authorization: Bearer TOKEN)."
    ),
    .optional(
      "events", "webhook", \.events.webhook, .webURL, example: "https://chat.example.com/hooks/abc",
      "Where each is posted as JSON. What is not taken is tried again for a quarter of an hour."),
    .list(
      "events", "webhook_kinds", \.events.webhookKinds, .choice, example: "[link_down, link_up]",
      "Of which kinds. Left out: those that tell of a link or a router, of a site that is revoked or cloned, of\n"
        + "another authority, and of a tunnel, firewall or trunk that cannot be set up."),
    .optional(
      "events", "command", \.events.command, .path, example: "/usr/local/bin/tell-me",
      "A program that is run for each: JSON on standard input; PBXLINK_KIND, PBXLINK_SITE, PBXLINK_TEXT."),
    .list(
      "events", "command_kinds", \.events.commandKinds, .choice, example: "[link_down, link_up]",
      "Of which kinds, likewise."),
    .one("paths", "state", \.stateDirectory, .path, "Keys and the database."),
    .one("paths", "runtime", \.runtimeDirectory, .path, "The control socket."),
  ]
}

extension Configuration {
  /// Without the built-in ones; each of them has been checked.
  fileprivate var ownEmergencyNumbers: [String] {
    get { numbers.emergency.numbers.filter { !EmergencyNumbers.builtIn.contains($0) } }
    set { numbers.emergency = (try? EmergencyNumbers(adding: newValue)) ?? .standard }
  }
}
