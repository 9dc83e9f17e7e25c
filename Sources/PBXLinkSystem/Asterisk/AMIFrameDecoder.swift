// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: pbxlink contributors

internal import NIOCore

/// Cuts what Asterisk sends into frames.
struct AMIFrameDecoder: ByteToMessageDecoder {
  typealias InboundOut = AMIFrame

  /// Bytes of one frame; Asterisk's longest, a channel with all its variables, has a few thousand.
  static let limit = 1 << 20

  private var lines: [String] = []
  private var hasBanner = false
  private var scanned = 0

  mutating func decode(context: ChannelHandlerContext, buffer: inout ByteBuffer) throws -> DecodingState {
    let unread = buffer.readableBytesView.dropFirst(scanned)
    guard let newline = unread.firstIndex(of: UInt8(ascii: "\n")) else {
      scanned = buffer.readableBytes
      return .needMoreData
    }
    scanned = 0
    guard let bytes = buffer.readBytes(length: newline - buffer.readerIndex + 1) else { return .needMoreData }
    let line = String(
      decoding: bytes.dropLast(bytes.dropLast().last == UInt8(ascii: "\r") ? 2 : 1), as: UTF8.self)
    if !hasBanner {
      hasBanner = true
      context.fireChannelRead(wrapInboundOut(.banner(line)))
    } else if line.isEmpty {
      context.fireChannelRead(wrapInboundOut(AMIFrame(lines: lines)))
      lines = []
    } else {
      lines.append(line)
    }
    return .continue
  }

  mutating func decodeLast(
    context: ChannelHandlerContext, buffer: inout ByteBuffer, seenEOF: Bool
  ) throws -> DecodingState {
    try decode(context: context, buffer: &buffer)
  }
}
