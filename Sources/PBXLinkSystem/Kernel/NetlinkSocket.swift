// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: pbxlink contributors

internal import CNetlink
internal import Glibc

/// A libnl socket for requests. It belongs for good to the network namespace of the thread that opens it.
struct NetlinkSocket: ~Copyable {
  /// The `nl_sock`.
  let pointer: OpaquePointer
  /// What the kernel answered last, where libnl's own codes are coarser (EADDRINUSE and EEXIST are one).
  private let kernelErrno: UnsafeMutablePointer<Int32>

  private init(_ pointer: OpaquePointer) {
    self.pointer = pointer
    kernelErrno = .allocate(capacity: 1)
    kernelErrno.initialize(to: 0)
    nl_socket_modify_err_cb(
      pointer, NL_CB_CUSTOM,
      { _, message, argument in
        if let message { argument?.storeBytes(of: -message.pointee.error, as: Int32.self) }
        return Int32(NL_STOP.rawValue)
      }, kernelErrno)
  }

  /// Bytes that may wait for us.
  static let receiveBuffer: Int32 = 1 << 20

  /// Opens a socket of a netlink family, such as NETLINK_ROUTE.
  static func open(family: Int32, receiveBuffer: Int32 = receiveBuffer) throws(KernelError) -> NetlinkSocket {
    guard let pointer = nl_socket_alloc() else {
      throw KernelError("open a socket", "netlink", errno: ENOMEM)
    }
    let socket = NetlinkSocket(pointer)
    try socket.check(nl_connect(pointer, family), "open a socket", "netlink")
    // A dump message of the kernel can be 32 KiB; libnl's default of four pages would cut it.
    nl_socket_set_msg_buf_size(pointer, 64 * 1024)
    try socket.check(
      nl_socket_set_buffer_size(pointer, receiveBuffer, 1 << 18), "set buffer sizes", "netlink")
    var limit = timeval(tv_sec: 10, tv_usec: 0)
    setsockopt(
      nl_socket_get_fd(pointer), SOL_SOCKET, SO_RCVTIMEO, &limit, socklen_t(MemoryLayout<timeval>.size))
    return socket
  }

  deinit {
    nl_socket_free(pointer)
    kernelErrno.deallocate()
  }

  /// Throws for a negative result.
  func check(_ result: Int32, _ operation: String, _ object: String) throws(KernelError) {
    guard result < 0 else { return }
    defer { kernelErrno.pointee = 0 }
    throw KernelError(operation, object, netlink: result, errno: kernelErrno.pointee)
  }

  /// Sends a request and gives the payload of its one answer.
  func answer(
    to message: OpaquePointer?, _ operation: String, _ object: String
  ) throws(KernelError) -> [UInt8] {
    var payload: [UInt8] = []
    try check(
      withUnsafeMutablePointer(to: &payload) { payload in
        nl_socket_modify_cb(
          pointer, NL_CB_VALID, NL_CB_CUSTOM,
          { message, argument in
            guard let header = nlmsg_hdr(message) else { return Int32(NL_SKIP.rawValue) }
            argument?.assumingMemoryBound(to: [UInt8].self).pointee = Array(
              UnsafeRawBufferPointer(start: nlmsg_data(header), count: Int(nlmsg_datalen(header))))
            return Int32(NL_OK.rawValue)
          }, payload)
        defer { nl_socket_modify_cb(pointer, NL_CB_VALID, NL_CB_DEFAULT, nil, nil) }
        let sent = nl_send_auto(pointer, message)
        return sent < 0 ? sent : nl_recvmsgs_default(pointer)
      }, operation, object)
    try check(nl_wait_for_ack(pointer), operation, object)
    return payload
  }

  /// Fills a cache by a dump; the caller frees it.
  func cache(
    _ operation: String, _ object: String,
    _ fill: (OpaquePointer, UnsafeMutablePointer<OpaquePointer?>) -> Int32
  ) throws(KernelError) -> OpaquePointer? {
    var cache: OpaquePointer?
    try dump(operation, object) { fill(pointer, &cache) }
    return cache
  }

  /// Repeats a dump that the kernel marks as inconsistent because something changed meanwhile.
  func dump(_ operation: String, _ object: String, _ body: () -> Int32) throws(KernelError) {
    var result = -NLE_DUMP_INTR
    for _ in 0..<8 where result == -NLE_DUMP_INTR { result = body() }
    try check(result, operation, object)
  }
}
