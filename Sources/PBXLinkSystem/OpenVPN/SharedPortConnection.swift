// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: pbxlink contributors

internal import NIOCore
internal import NIOPosix
internal import PBXLinkCore

/// A connection until it is known whose it is, and until that peer's process has been reached.
final class SharedPortConnection: ChannelDuplexHandler, RemovableChannelHandler {
  typealias InboundIn = ByteBuffer
  typealias InboundOut = ByteBuffer
  typealias OutboundIn = ByteBuffer

  /// A process that is being restarted refuses connections for a moment.
  private static let pause = TimeAmount.milliseconds(200)

  private let table: SharedPortTable
  private let keys: NIOThreadPool
  private let waiting: SharedPortWaiting
  private let patience: TimeAmount
  private var received = ByteBuffer()
  private var isReading = true
  private var isReadHeld = false
  private var timeout: Scheduled<Void>?

  init(table: SharedPortTable, keys: NIOThreadPool, waiting: SharedPortWaiting, patience: TimeAmount) {
    self.table = table
    self.keys = keys
    self.waiting = waiting
    self.patience = patience
  }

  func channelActive(context: ChannelHandlerContext) {
    waiting.admit(context.channel)
    timeout = context.eventLoop.assumeIsolated().scheduleTask(in: patience) { context.close(promise: nil) }
    context.fireChannelActive()
  }

  func channelInactive(context: ChannelHandlerContext) { end(context) }

  func handlerRemoved(context: ChannelHandlerContext) { end(context) }

  func errorCaught(context: ChannelHandlerContext, error: any Error) { context.close(promise: nil) }

  func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
    // Nothing more will come, and what came was no packet.
    if isReading, event as? ChannelEvent == .inputClosed { context.close(promise: nil) }
  }

  func read(context: ChannelHandlerContext) {
    if isReading { context.read() } else { isReadHeld = true }
  }

  func channelRead(context: ChannelHandlerContext, data: NIOAny) {
    var bytes = unwrapInboundIn(data)
    received.writeBuffer(&bytes)
    guard isReading else { return }
    switch OpenVPNFirstPacket.read(received.readableBytesView) {
    case .incomplete: break
    case .foreign: context.close(promise: nil)
    case .packet(let packet):
      isReading = false
      identify(packet, context)
    }
  }

  /// Beside the loop: trying a thousand keys must not delay those who talk.
  private func identify(_ packet: OpenVPNFirstPacket, _ context: ChannelHandlerContext) {
    let table = table
    keys.runIfActive(eventLoop: context.eventLoop) {
      SharedPortTable.sender(of: packet, among: try table.read())
    }.assumeIsolated().whenComplete { result in
      // A table that cannot be read is an error of the agent's next look, which reads it, too.
      guard case .success(let peer?) = result else { return context.close(promise: nil) }
      self.waiting.dismiss(context.channel)
      self.connect(to: peer.port, context)
    }
  }

  private func connect(to port: UInt16, _ context: ChannelHandlerContext) {
    guard context.channel.isActive,
      let address = try? SocketAddress(ipAddress: "127.0.0.1", port: Int(port))  // fails for other text only
    else { return }
    ClientBootstrap(group: context.eventLoop)
      .channelOption(.autoRead, value: false)
      .channelOption(.allowRemoteHalfClosure, value: true)
      .channelOption(.tcpOption(.tcp_nodelay), value: 1)
      .connect(to: address)
      .assumeIsolated().whenComplete { result in
        switch result {
        case .success(let channel): self.join(context, channel)
        // The timeout ends this.
        case .failure:
          context.eventLoop.assumeIsolated().scheduleTask(in: Self.pause) { self.connect(to: port, context) }
        }
      }
  }

  private func join(_ context: ChannelHandlerContext, _ other: any Channel) {
    guard context.channel.isActive else { return other.close(promise: nil) }
    let ends = SharedPortRelay.pair()
    do {
      try context.pipeline.syncOperations.addHandler(ends.0, position: .after(self))
      try other.pipeline.syncOperations.addHandler(ends.1)
    } catch {
      other.close(promise: nil)
      context.close(promise: nil)
      return
    }
    context.fireChannelRead(wrapInboundOut(received))
    context.fireChannelReadComplete()
    other.setOption(.autoRead, value: true).whenFailure { _ in other.close(promise: nil) }
    if isReadHeld { context.read() }
    context.pipeline.syncOperations.removeHandler(self, promise: nil)
  }

  private func end(_ context: ChannelHandlerContext) {
    waiting.dismiss(context.channel)
    timeout?.cancel()
    timeout = nil
  }
}
