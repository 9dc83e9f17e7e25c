// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: pbxlink contributors

internal import NIOCore

/// The connections that have not shown yet whose they are. When there are too many the oldest goes: a peer
/// sends its first packet at once, so whoever has waited longest is the least likely to be one.
final class SharedPortWaiting {
  static let limit = 256
  static let limitOfSource = 16

  /// Oldest first.
  private var connections: [(source: String?, channel: any Channel)] = []

  func admit(_ channel: any Channel) {
    let source = channel.remoteAddress?.ipAddress
    let indices = connections.indices.filter { connections[$0].source == source }
    if indices.count >= Self.limitOfSource, let oldest = indices.first {
      connections.remove(at: oldest).channel.close(promise: nil)
    } else if connections.count >= Self.limit {
      connections.removeFirst().channel.close(promise: nil)
    }
    connections.append((source, channel))
  }

  func dismiss(_ channel: any Channel) { connections.removeAll { $0.channel === channel } }
}
