// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: pbxlink contributors

internal import NIOCore
internal import Synchronization

/// Keeps the connections to a server of ours few and short: whoever lets a request drip in, or an answer out, is cut off
/// and has held up nobody else.
final class ConnectionLimits: Sendable {
  /// Most connections of one address to the exchange at a time. A site makes one for each request.
  static let connections = 32
  /// Seconds that a connection may last: twice what our own client waits for an answer.
  static let lifetime: Int64 = 30
  /// Seconds for which it may do nothing.
  static let idleTime: Int64 = 15

  private let lifetime: TimeAmount
  private let limit: Int
  private let open = Mutex<[String: Int]>([:])
  /// Told of each connection that was cut off.
  private let cutOff: @Sendable (String) -> Void

  init(
    lifetime: Int64, limit: Int = connections, cutOff: @escaping @Sendable (_ address: String) -> Void
  ) {
    self.lifetime = .seconds(lifetime)
    self.limit = limit
    self.cutOff = cutOff
  }

  /// A handler for one connection.
  func handler() -> Handler { Handler(self) }

  private func enter(_ address: String) -> Bool {
    open.withLock { open in
      guard open[address, default: 0] < limit else { return false }
      open[address, default: 0] += 1
      return true
    }
  }

  private func leave(_ address: String) {
    open.withLock { open in
      let rest = open[address, default: 1] - 1
      open[address] = rest > 0 ? rest : nil
    }
  }

  /// Watches one connection.
  final class Handler: ChannelInboundHandler, RemovableChannelHandler {
    typealias InboundIn = Any

    private let limits: ConnectionLimits
    private var address: String?
    private var end: Scheduled<Void>?

    init(_ limits: ConnectionLimits) { self.limits = limits }

    func channelActive(context: ChannelHandlerContext) {
      let (channel, cutOff) = (context.channel, limits.cutOff)
      let address = channel.remoteAddress?.ipAddress ?? ""
      guard limits.enter(address) else {
        cutOff(address)
        return context.close(promise: nil)
      }
      self.address = address
      end = context.eventLoop.scheduleTask(in: limits.lifetime) {
        cutOff(address)
        channel.close(promise: nil)
      }
      context.fireChannelActive()
    }

    func channelInactive(context: ChannelHandlerContext) {
      end?.cancel()
      if let address { limits.leave(address) }
      context.fireChannelInactive()
    }
  }
}
