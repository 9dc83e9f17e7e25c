// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: pbxlink contributors

internal import NIOCore

/// One end of a relayed connection: what arrives is written to the other end. It reads only while the other
/// end takes, and passes the end of either direction on by itself.
final class SharedPortRelay: ChannelDuplexHandler {
  typealias InboundIn = ByteBuffer
  typealias OutboundIn = ByteBuffer
  typealias OutboundOut = ByteBuffer

  /// The time that an end has to take what is left for it once the other one is gone.
  private static let patience = TimeAmount.seconds(10)

  private var partner: SharedPortRelay?
  private var context: ChannelHandlerContext?
  private var isReadHeld = false
  private var outputEnd: EventLoopFuture<Void>?

  private init() {}

  static func pair() -> (SharedPortRelay, SharedPortRelay) {
    let ends = (SharedPortRelay(), SharedPortRelay())
    ends.0.partner = ends.1
    ends.1.partner = ends.0
    return ends
  }

  func handlerAdded(context: ChannelHandlerContext) { self.context = context }

  func handlerRemoved(context: ChannelHandlerContext) {
    self.context = nil
    partner = nil
  }

  func channelRead(context: ChannelHandlerContext, data: NIOAny) {
    partner?.context?.write(data, promise: nil)
  }

  func channelReadComplete(context: ChannelHandlerContext) { partner?.context?.flush() }

  func read(context: ChannelHandlerContext) {
    if partner?.context?.channel.isWritable == true { context.read() } else { isReadHeld = true }
  }

  func channelWritabilityChanged(context: ChannelHandlerContext) {
    guard context.channel.isWritable, let partner, partner.isReadHeld else { return }
    partner.isReadHeld = false
    partner.context?.read()
  }

  func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
    if event as? ChannelEvent == .inputClosed { partner?.closeOutput() }
  }

  func channelInactive(context: ChannelHandlerContext) {
    partner?.finish()
    partner = nil
  }

  func errorCaught(context: ChannelHandlerContext, error: any Error) { context.close(promise: nil) }

  private func closeOutput() {
    guard let context, outputEnd == nil else { return }
    context.flush()
    outputEnd = context.close(mode: .output)
  }

  /// Closes once everything is written.
  private func finish() {
    guard let context else { return }
    partner = nil
    let written = outputEnd ?? context.writeAndFlush(wrapOutboundOut(ByteBuffer()))
    written.assumeIsolated().whenComplete { _ in context.close(promise: nil) }
    context.eventLoop.assumeIsolated().scheduleTask(in: Self.patience) { context.close(promise: nil) }
  }
}
