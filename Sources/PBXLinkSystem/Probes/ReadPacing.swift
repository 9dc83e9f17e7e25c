// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: pbxlink contributors

/// Whether sockets are read as soon as something comes, or, where much comes, now and then: to be woken for a datagram
/// costs more than to read it, and the kernel tells when each one came.
struct ReadPacing: Hashable {
  /// So long a datagram may wait.
  static let longestWait = Duration.milliseconds(20)

  /// Whether nobody needs to tell that something has come.
  private(set) var isPolling = false
  private var lastRead = Duration.zero
  private var lastFound: Duration?

  /// When to read next in any case; nil: when something has come.
  var next: Duration? { isPolling ? lastRead + Self.longestWait : nil }

  /// Takes note of what a read has found.
  /// - Parameters:
  ///   - count: number of datagrams.
  ///   - isMore: whether some were left, which are read as soon as everything else has had its turn.
  mutating func read(_ count: Int, isMore: Bool, at now: Duration) {
    let isRecent = lastFound.map { now - $0 < Self.longestWait } ?? false
    isPolling = isRecent && !isMore && (isPolling || count > 0)
    lastRead = now
    if count > 0 { lastFound = now }
  }
}
