// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: pbxlink contributors

import Glibc
import PBXLinkCore
import Subprocess
import Synchronization

@testable import PBXLinkSystem

// The Glibc module lacks what needs _GNU_SOURCE: setns(2), sched_setaffinity(2).
@_silgen_name("setns") private func setns(_ descriptor: Int32, _ kind: Int32) -> Int32
@_silgen_name("sched_getaffinity") private func sched_getaffinity(
  _ thread: pid_t, _ size: Int, _ mask: UnsafeMutableRawPointer
) -> Int32
@_silgen_name("sched_setaffinity") private func sched_setaffinity(
  _ thread: pid_t, _ size: Int, _ mask: UnsafeRawPointer
) -> Int32
private let networkNamespace: Int32 = 0x4000_0000  // CLONE_NEWNET

/// Three network namespaces: a site whose `pbxlink0` is a cable to a peer, and whose `lan0` leads elsewhere.
///
/// Packets over a veth pair and over loopback wait in one queue of the CPU that sent them. So with all on one
/// CPU a marker sent over loopback after the packet in question arrives after it, or proves it dropped.
final class PacketLab: Sendable {
  enum Place: String, CaseIterable { case site, peer, lan }
  enum Transport { case udp, tcp }

  let nftables: Nftables
  private let prefix: String
  private static let serial = Atomic(0)

  static var unavailable: String? {
    if getuid() != 0 { return "needs root to make network namespaces" }
    for command in ["/usr/sbin/nft", "/usr/sbin/ip"] where access(command, X_OK) != 0 {
      return "needs \(command)"
    }
    return nil
  }

  private init() {
    prefix = "pbxlnft\(getpid())-\(Self.serial.add(1, ordering: .relaxed).newValue)-"
    nftables = Nftables(command: ["ip", "netns", "exec", "\(prefix)site", "nft"])
  }

  static func run(_ body: (PacketLab) async throws -> Void) async throws {
    let lab = PacketLab()
    do {
      for place in Place.allCases {
        try await lab.ip("netns", "add", lab.prefix + place.rawValue)
        try await lab.ip(in: place, "link", "set", "lo", "up")
      }
      try await body(lab)
    } catch {
      await lab.remove()
      throw error
    }
    await lab.remove()
  }

  /// Lays a cable. Like a TUN device it resolves no neighbours: both ends have the same hardware address.
  func connect(_ other: Place, interface: String, site: [String], other addresses: [String]) async throws {
    try await ip(
      in: .site, "link", "add", interface, "type", "veth", "peer", "name", "eth0", "netns",
      prefix + other.rawValue)
    for (place, name, list) in [(.site, interface, site), (other, "eth0", addresses)]
      as [(Place, String, [String])]
    {
      for address in list {
        let noDAD = address.contains(":") ? ["nodad"] : []
        try await ip(in: place, ["address", "add", address, "dev", name] + noDAD)
      }
      try await ip(in: place, "link", "set", name, "address", "02:00:00:00:00:01", "arp", "off", "up")
    }
  }

  func ip(in place: Place? = nil, _ arguments: String...) async throws { try await ip(in: place, arguments) }

  private func ip(in place: Place?, _ arguments: [String]) async throws {
    try await command(["ip"] + (place.map { ["-n", prefix + $0.rawValue] } ?? []) + arguments)
  }

  func nft(in place: Place = .site, _ script: String) async throws -> String {
    try await command(["ip", "netns", "exec", "\(prefix)\(place.rawValue)", "nft", script + "\n"])
  }

  func sysctl(_ setting: String) async throws -> String {
    try await command(["ip", "netns", "exec", "\(prefix)site", "sysctl", "-w", setting])
  }

  /// The shell command that is `nft` at the site.
  var nftCommand: String { "ip netns exec \(prefix)site nft" }

  @discardableResult
  private func command(_ line: [String]) async throws -> String {
    let result = try await Subprocess.run(
      .name(line[0]), arguments: Arguments(Array(line.dropFirst())), output: .string(limit: 1 << 20),
      error: .string(limit: 1 << 16))
    guard result.terminationStatus.isSuccess else {
      throw PacketLabError("\(line.joined(separator: " ")): \(result.standardError)")
    }
    return result.standardOutput
  }

  private func remove() async {
    for place in Place.allCases { try? await ip("netns", "delete", prefix + place.rawValue) }
  }

  /// Whether a packet (UDP) or a connection (TCP) from an address in one place reaches a port of another.
  func reaches(
    _ transport: Transport, from: String, sourcePort: UInt16 = 0, in place: Place, to destination: String,
    port: UInt16, at target: Place = .site
  ) throws -> Bool {
    let type = transport == .udp ? SOCK_DGRAM : SOCK_STREAM
    return try onOneCPU {
      let source = try Address(from, port: sourcePort)
      let sink = try Address(destination, port: port)
      let receiver = try socket(sink.family, type, in: target)
      defer { close(receiver) }
      try sink.bind(receiver)
      if transport == .tcp { try check(listen(receiver, 8), "listen") }
      let sender = try socket(source.family, type, in: place)
      defer { close(sender) }
      try source.bind(sender)
      let marker = try socket(sink.family, type, in: target)
      defer { close(marker) }
      _ = fcntl(sender, F_SETFL, O_NONBLOCK)
      if transport == .udp {
        // EPERM: dropped on the way out.
        guard sink.send("packet", sender) || errno == EPERM else { throw PacketLabError("sendto: \(errno)") }
        guard sink.send("marker", marker) else { throw PacketLabError("marker: \(errno)") }
        return try receive(receiver) == "packet"
      }
      guard sink.connect(sender) || errno == EINPROGRESS || errno == EPERM else {
        throw PacketLabError("connect: \(errno)")
      }
      guard sink.connect(marker) else { throw PacketLabError("marker: \(errno)") }
      let accepted = accept(receiver, nil, nil)
      try check(accepted, "accept")
      defer { close(accepted) }
      return try Address(peerOf: accepted).text == source.text
    }
  }

  /// An open TCP connection from an address in a place to a port of the site.
  func connection(from: String, in place: Place, to destination: String, port: UInt16) throws -> Connection {
    let source = try Address(from, port: 0)
    let sink = try Address(destination, port: port)
    let listener = try socket(sink.family, SOCK_STREAM, in: .site)
    defer { close(listener) }
    try sink.bind(listener)
    try check(listen(listener, 1), "listen")
    let client = try socket(source.family, SOCK_STREAM, in: place)
    try source.bind(client)
    guard sink.connect(client) else { throw PacketLabError("connect: \(errno)") }
    let server = accept(listener, nil, nil)
    try check(server, "accept")
    return Connection(client: client, server: server)
  }

  final class Connection: Sendable {
    fileprivate let client: Int32
    fileprivate let server: Int32

    fileprivate init(client: Int32, server: Int32) { (self.client, self.server) = (client, server) }
    deinit {
      close(client)
      close(server)
    }

    func send(_ text: String) { _ = Glibc.send(client, text, text.utf8.count, Int32(MSG_NOSIGNAL)) }

    /// What has arrived by now; nil when nothing has.
    func arrived() -> String? {
      var buffer = [UInt8](repeating: 0, count: 64)
      let count = recv(server, &buffer, buffer.count, Int32(MSG_DONTWAIT))
      return count > 0 ? String(decoding: buffer.prefix(count), as: UTF8.self) : nil
    }
  }

  private func receive(_ descriptor: Int32) throws -> String {
    var timeout = timeval(tv_sec: 10, tv_usec: 0)
    setsockopt(descriptor, SOL_SOCKET, SO_RCVTIMEO, &timeout, socklen_t(MemoryLayout<timeval>.size))
    var buffer = [UInt8](repeating: 0, count: 64)
    let count = recv(descriptor, &buffer, buffer.count, 0)
    try check(Int32(count), "recv")
    return String(decoding: buffer.prefix(count), as: UTF8.self)
  }

  /// A socket stays in the namespace where it was made; the thread goes back.
  private func socket(_ family: Int32, _ type: __socket_type, in place: Place) throws -> Int32 {
    let home = open("/proc/thread-self/ns/net", O_RDONLY | O_CLOEXEC)
    let away = open("/run/netns/\(prefix)\(place.rawValue)", O_RDONLY | O_CLOEXEC)
    defer {
      close(home)
      close(away)
    }
    try check(setns(away, networkNamespace), "setns")
    let descriptor = Glibc.socket(family, Int32(type.rawValue | SOCK_CLOEXEC.rawValue), 0)
    guard setns(home, networkNamespace) == 0 else { fatalError("cannot return to the network namespace") }
    try check(descriptor, "socket")
    var on: Int32 = 1
    setsockopt(descriptor, SOL_SOCKET, SO_REUSEADDR, &on, socklen_t(MemoryLayout<Int32>.size))
    // A source address that the place does not own, as a spoofer would use it.
    setsockopt(descriptor, SOL_IP, 15 /* IP_FREEBIND */, &on, socklen_t(MemoryLayout<Int32>.size))
    return descriptor
  }

  private func onOneCPU<Result>(_ body: () throws -> Result) throws -> Result {
    var before = [UInt8](repeating: 0, count: 128)
    try check(sched_getaffinity(0, before.count, &before), "sched_getaffinity")
    let byte = before.firstIndex { $0 != 0 } ?? 0
    var one = [UInt8](repeating: 0, count: before.count)
    one[byte] = before[byte] & (~before[byte] &+ 1)
    try check(sched_setaffinity(0, one.count, one), "sched_setaffinity")
    defer { _ = sched_setaffinity(0, before.count, before) }
    return try body()
  }
}

struct PacketLabError: Error, CustomStringConvertible {
  let description: String
  init(_ description: String) { self.description = description }
}

private func check(_ result: Int32, _ call: String) throws {
  if result < 0 { throw PacketLabError("\(call): \(String(cString: strerror(errno)))") }
}

/// A socket address of either family.
private struct Address {
  var storage = sockaddr_storage()
  let length: socklen_t
  var family: Int32 { Int32(storage.ss_family) }
  let text: String

  init(_ text: String, port: UInt16) throws {
    guard let address = IPAddress(text) else { throw PacketLabError("no address: \(text)") }
    self.text = text
    let bytes = address.bytes
    length = socklen_t(
      address.family == .v4 ? MemoryLayout<sockaddr_in>.size : MemoryLayout<sockaddr_in6>.size)
    storage.ss_family = sa_family_t(address.family == .v4 ? AF_INET : AF_INET6)
    withUnsafeMutableBytes(of: &storage) { raw in
      raw[2] = UInt8(port >> 8)
      raw[3] = UInt8(port & 0xff)
      // sin_addr and sin6_addr.
      raw.baseAddress?.advanced(by: address.family == .v4 ? 4 : 8).copyMemory(
        from: bytes, byteCount: bytes.count)
    }
  }

  init(peerOf descriptor: Int32) throws {
    var storage = sockaddr_storage()
    var length = socklen_t(MemoryLayout<sockaddr_storage>.size)
    let result = withUnsafeMutablePointer(to: &storage) {
      $0.withMemoryRebound(to: sockaddr.self, capacity: 1) { getpeername(descriptor, $0, &length) }
    }
    try check(result, "getpeername")
    self.storage = storage
    self.length = length
    let isV4 = storage.ss_family == sa_family_t(AF_INET)
    text = withUnsafeBytes(of: storage) { raw in
      IPAddress(bytes: Array(isV4 ? raw[4..<8] : raw[8..<24]))?.description ?? ""
    }
  }

  private func withSockaddr(_ body: (UnsafePointer<sockaddr>, socklen_t) -> Int) -> Int {
    withUnsafePointer(to: storage) {
      $0.withMemoryRebound(to: sockaddr.self, capacity: 1) { body($0, length) }
    }
  }

  func bind(_ descriptor: Int32) throws {
    try check(Int32(withSockaddr { Int(Glibc.bind(descriptor, $0, $1)) }), "bind \(text)")
  }

  func connect(_ descriptor: Int32) -> Bool { withSockaddr { Int(Glibc.connect(descriptor, $0, $1)) } == 0 }

  func send(_ text: String, _ descriptor: Int32) -> Bool {
    withSockaddr { sendto(descriptor, text, text.utf8.count, 0, $0, $1) } > 0
  }
}
