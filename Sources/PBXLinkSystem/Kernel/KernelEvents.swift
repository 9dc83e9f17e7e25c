// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: pbxlink contributors

internal import CNetlink
internal import Dispatch
internal import Glibc

/// Notifications of the kernel about links, addresses and routes.
public enum KernelEvents {
  /// Events that wait for a slow reader; the oldest give way to ``KernelEvent/overrun``.
  static let capacity = 256

  /// Subscribes in the network namespace of the calling thread. The subscription ends with the stream's reader.
  /// As `ip monitor link address route`.
  public static func stream() throws(KernelError) -> AsyncStream<KernelEvent> {
    try stream(receiveBuffer: NetlinkSocket.receiveBuffer)
  }

  /// The same with a receive buffer of so many bytes, or as few as the kernel allows.
  static func stream(receiveBuffer: Int32) throws(KernelError) -> AsyncStream<KernelEvent> {
    let (stream, continuation) = AsyncStream.makeStream(
      of: KernelEvent.self, bufferingPolicy: .bufferingNewest(capacity))
    let reader = try KernelEventReader(continuation, receiveBuffer)
    continuation.onTermination = { _ in Task { await reader.stop() } }
    Task { await reader.start() }
    return stream
  }
}

private actor KernelEventReader {
  private let socket: NetlinkSocket
  private let executor = QueueExecutor("kernel-events")
  private let continuation: AsyncStream<KernelEvent>.Continuation
  private var source: (any DispatchSourceRead)?

  nonisolated var unownedExecutor: UnownedSerialExecutor { executor.asUnownedSerialExecutor() }

  init(
    _ continuation: AsyncStream<KernelEvent>.Continuation, _ receiveBuffer: Int32
  ) throws(KernelError) {
    self.continuation = continuation
    socket = try NetlinkSocket.open(family: NETLINK_ROUTE, receiveBuffer: receiveBuffer)
    // Notifications carry the sequence numbers of whoever asked for the change.
    nl_socket_disable_seq_check(socket.pointer)
    try socket.check(nl_socket_set_nonblocking(socket.pointer), "set non-blocking", "the event socket")
    for group in [
      RTNLGRP_LINK, RTNLGRP_IPV4_IFADDR, RTNLGRP_IPV6_IFADDR, RTNLGRP_IPV4_ROUTE, RTNLGRP_IPV6_ROUTE,
    ] {
      try socket.check(
        nl_socket_add_membership(socket.pointer, Int32(group.rawValue)), "join group \(group.rawValue)",
        "the event socket")
    }
  }

  func start() {
    let source = DispatchSource.makeReadSource(
      fileDescriptor: nl_socket_get_fd(socket.pointer), queue: executor.queue)
    source.setEventHandler { self.assumeIsolated { $0.drain() } }
    self.source = source
    source.activate()
  }

  func stop() {
    source?.cancel()
    source = nil
  }

  private func drain() {
    var result: Int32 = 0
    var events: [KernelEvent] = []
    withUnsafeMutablePointer(to: &events) { events in
      nl_socket_modify_cb(
        socket.pointer, NL_CB_VALID, NL_CB_CUSTOM,
        { message, argument in
          guard let header = nlmsg_hdr(message) else { return Int32(NL_SKIP.rawValue) }
          let payload = Array(
            UnsafeRawBufferPointer(start: nlmsg_data(header), count: Int(nlmsg_datalen(header))))
          if let event = KernelEvent(messageType: Int(header.pointee.nlmsg_type), payload: payload[...]) {
            argument?.assumingMemoryBound(to: [KernelEvent].self).pointee.append(event)
          }
          return Int32(NL_OK.rawValue)
        }, events)
      repeat { result = nl_recvmsgs_default(socket.pointer) } while result >= 0
    }
    // ENOBUFS: the socket's buffer was full and the kernel dropped what did not fit.
    if result == -NLE_NOMEM { events.append(.overrun) }
    for event in events {
      if case .dropped = continuation.yield(event) { continuation.yield(.overrun) }
    }
  }
}
