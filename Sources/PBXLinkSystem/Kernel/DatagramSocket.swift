// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: pbxlink contributors

internal import Dispatch
internal import Glibc
internal import PBXLinkCore

/// A UDP socket that tells when, how and where to its datagrams have come.
final class DatagramSocket {
  /// A datagram that has arrived.
  struct Datagram {
    let bytes: [UInt8]
    let source: SocketAddress
    let ttl: UInt8
    /// Our address that it was sent to, where the socket is bound to no interface.
    let destination: IPAddress?
    /// When the kernel got it.
    let arrival: NTPTimestamp
    /// How long ago that was: a busy host reads late, and must not take that for the line's doing.
    let age: Duration
  }

  /// An IPv4 address and port, laid out as `sockaddr_in`.
  struct SocketAddress {
    fileprivate static let length = socklen_t(MemoryLayout<(UInt64, UInt64)>.size)
    /// Family in host order, port and address in network order, eight octets of nothing.
    fileprivate var octets: (UInt64, UInt64) = (0, 0)

    fileprivate init() {}

    init(_ address: IPAddress, port: UInt16) {
      withUnsafeMutableBytes(of: &octets) { octets in
        octets.storeBytes(of: sa_family_t(AF_INET), as: sa_family_t.self)
        octets.storeBytes(of: port.bigEndian, toByteOffset: 2, as: UInt16.self)
        octets[4..<8].copyBytes(from: address.bytes.prefix(4))
      }
    }

    var port: UInt16 {
      withUnsafeBytes(of: octets) { UInt16(bigEndian: $0.load(fromByteOffset: 2, as: UInt16.self)) }
    }
    var address: IPAddress? { withUnsafeBytes(of: octets) { IPAddress(bytes: $0[4..<8]) } }
  }

  private let descriptor: Int32
  private let interface: String?
  private var source: (any DispatchSourceRead)?
  private var isOpen = true
  /// Whether nobody is called back for now.
  private var isPaused = false
  /// Room for the longest datagram.
  private var buffer = [UInt8](repeating: 0, count: 65_536)

  /// Opens a socket in the network namespace of the calling thread.
  /// - Parameters:
  ///   - interface: what it sends and receives through only, whatever the routes say; nil: as they say.
  ///   - port: 0 is any free one.
  ///   - dscp: how its packets are marked. Expedited Forwarding (RFC 3246), as calls have it: a probe that overtakes them
  ///     would not show their lot.
  init(interface: String?, local: IPAddress, port: UInt16, dscp: Int32 = 46) throws(DatagramError) {
    self.interface = interface
    descriptor = socket(
      AF_INET, Int32(SOCK_DGRAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue) | Int32(SOCK_NONBLOCK.rawValue), 0)
    guard descriptor >= 0 else { throw DatagramError("open a socket", interface, errno: errno) }
    if let interface { try bindToDevice(interface) }
    try set(Int32(IPPROTO_IP), IP_TOS, dscp << 2, "set the DSCP")
    // A long one is to arrive whole or not at all, whatever the kernel believes of the path.
    try set(Int32(IPPROTO_IP), IP_MTU_DISCOVER, IP_PMTUDISC_PROBE, "forbid fragments")
    try set(Int32(IPPROTO_IP), IP_TTL, 255, "set the TTL")
    try set(Int32(IPPROTO_IP), IP_RECVTTL, 1, "ask for the TTL")
    if interface == nil { try set(Int32(IPPROTO_IP), IP_PKTINFO, 1, "ask for the destination") }
    try set(SOL_SOCKET, SO_TIMESTAMPNS, 1, "ask for the time of arrival")
    let address = SocketAddress(local, port: port)
    let result = withUnsafePointer(to: address.octets) {
      $0.withMemoryRebound(to: sockaddr.self, capacity: 1) { bind(descriptor, $0, SocketAddress.length) }
    }
    guard result == 0 else {
      throw DatagramError("bind to \(Endpoint(local, port: port))", interface, errno: errno)
    }
  }

  /// Calls back on the queue while datagrams wait.
  func whenReadable(on queue: DispatchQueue, _ body: @escaping @Sendable () -> Void) {
    let source = DispatchSource.makeReadSource(fileDescriptor: descriptor, queue: queue)
    source.setEventHandler(handler: body)
    source.setCancelHandler { [descriptor] in close(descriptor) }
    self.source = source
    source.activate()
  }

  /// Calls nobody back until ``resume()``, while it is read without that.
  func pause() {
    guard isOpen, !isPaused else { return }
    isPaused = true
    source?.suspend()
  }

  /// Calls back again.
  func resume() {
    guard isPaused else { return }
    isPaused = false
    source?.resume()
  }

  /// Closes the socket, once nothing reads from it any more.
  func stop() {
    guard isOpen else { return }
    isOpen = false
    // One that is suspended would never be cancelled.
    resume()
    if let source { source.cancel() } else { close(descriptor) }
    source = nil
  }

  deinit { stop() }

  /// Whether the interface that the socket is bound to still exists; a new one of that name is another.
  var isCurrent: Bool {
    var name = [UInt8](repeating: 0, count: Int(IFNAMSIZ))
    var length = socklen_t(name.count)
    guard getsockopt(descriptor, SOL_SOCKET, SO_BINDTODEVICE, &name, &length) == 0 else { return false }
    return name.prefix { $0 != 0 }.elementsEqual((interface ?? "").utf8)
  }

  /// Sends one datagram without waiting.
  func send(_ bytes: [UInt8], to target: SocketAddress) throws(DatagramError) {
    let count = withUnsafePointer(to: target.octets) {
      $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
        sendto(descriptor, bytes, bytes.count, Int32(MSG_NOSIGNAL), $0, SocketAddress.length)
      }
    }
    guard count == bytes.count else {
      throw DatagramError("send to \(target.address.map(\.description) ?? "nobody")", interface, errno: errno)
    }
  }

  /// The next datagram that waits; nil when there is none.
  func receive() -> Datagram? {
    var source = SocketAddress()
    var control = AncillaryData()
    var count = -1
    buffer.withUnsafeMutableBytes { buffer in
      var vector = iovec(iov_base: buffer.baseAddress, iov_len: buffer.count)
      withUnsafeMutablePointer(to: &vector) { vector in
        withUnsafeMutablePointer(to: &source.octets) { source in
          withUnsafeMutableBytes(of: &control.words) { control in
            var message = msghdr()
            message.msg_name = UnsafeMutableRawPointer(source)
            message.msg_namelen = SocketAddress.length
            message.msg_iov = vector
            message.msg_iovlen = 1
            message.msg_control = control.baseAddress
            message.msg_controllen = control.count
            repeat { count = recvmsg(descriptor, &message, 0) } while count < 0 && errno == EINTR
          }
        }
      }
    }
    guard count >= 0 else { return nil }
    let now = NTPTimestamp.now
    let arrival = control.arrival ?? now
    let age = now.elapsed(since: arrival)
    // Unless the clock was set in between.
    let isKnown = (.zero..<Self.longestWait).contains(age)
    return Datagram(
      bytes: Array(buffer[..<count]), source: source, ttl: control.ttl ?? 0,
      destination: control.destination, arrival: isKnown ? arrival : now, age: isKnown ? age : .zero)
  }

  /// Longer than a datagram waits on any host that still works.
  private static let longestWait = Duration.seconds(60)

  private func bindToDevice(_ interface: String) throws(DatagramError) {
    let name = Array(interface.utf8)
    guard setsockopt(descriptor, SOL_SOCKET, SO_BINDTODEVICE, name, socklen_t(name.count)) == 0 else {
      throw DatagramError("bind a socket", interface, errno: errno)
    }
  }

  private func set(
    _ level: Int32, _ option: Int32, _ value: Int32, _ operation: String
  ) throws(DatagramError) {
    var value = value
    guard setsockopt(descriptor, level, option, &value, socklen_t(MemoryLayout<Int32>.size)) == 0 else {
      throw DatagramError(operation, interface, errno: errno)
    }
  }
}
