// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: pbxlink contributors

internal import CNetlink
internal import Glibc

/// The number that the kernel gives to the nftables ruleset of a network namespace. Each transaction, whoever makes
/// it, raises it (linux/netfilter/nf_tables.h, NFT_MSG_GETGEN): while it stands still so does every table.
actor RulesetGeneration {
  private let executor = QueueExecutor("ruleset-generation")
  private let socket: NetlinkSocket

  nonisolated var unownedExecutor: UnownedSerialExecutor { executor.asUnownedSerialExecutor() }

  /// Opens the socket in the network namespace of the calling thread.
  init() throws(KernelError) {
    socket = try NetlinkSocket.open(family: NETLINK_NETFILTER)
  }

  /// The number now. Needs CAP_NET_ADMIN.
  func current() throws(KernelError) -> UInt32 {
    let (operation, object) = ("read the generation", "the nftables ruleset")
    guard
      let message = nlmsg_alloc_simple(
        Int32(NFNL_SUBSYS_NFTABLES) << 8 | Int32(NFT_MSG_GETGEN.rawValue), NLM_F_REQUEST)
    else { throw KernelError(operation, object, errno: ENOMEM) }
    defer { nlmsg_free(message) }
    var header = nfgenmsg(nfgen_family: UInt8(AF_UNSPEC), version: UInt8(NFNETLINK_V0), res_id: 0)
    try socket.check(
      nlmsg_append(message, &header, MemoryLayout<nfgenmsg>.size, Int32(NLMSG_ALIGNTO)), operation, object)
    let payload = try socket.answer(to: message, operation, object)
    let attributes = NetlinkAttribute.parse(payload.dropFirst(MemoryLayout<nfgenmsg>.size))
    guard let number = attributes?.first(where: { $0.type == Int(NFTA_GEN_ID.rawValue) })?.payload,
      number.count == 4
    else { throw KernelError(operation, object, reason: "the kernel's answer is malformed") }
    // In network byte order.
    return number.reduce(0) { $0 << 8 | UInt32($1) }
  }
}
