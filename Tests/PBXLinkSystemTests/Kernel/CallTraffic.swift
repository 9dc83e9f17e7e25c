// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: pbxlink contributors

import Glibc
import PBXLinkCore
import Synchronization

@testable import PBXLinkSystem

/// What one G.711 call sends over IAX2 between two sites: 50 packets a second of 172 bytes each way, numbered at
/// one end and counted at the other.
final class CallTraffic: Sendable {
  /// What became of a stretch of one direction.
  struct Loss: CustomStringConvertible {
    let sent: Int
    let lost: Int

    var description: String { "\(lost) of \(sent)" }
  }

  private let directions: [Direction]

  private init(_ directions: [Direction]) { self.directions = directions }

  /// Runs the body during a call between the tunnel addresses of two sites.
  static func between(
    _ one: WireGuardSite, _ two: WireGuardSite, _ body: (CallTraffic) async throws -> Void
  ) async throws {
    let ends = try [one, two].map {
      (site: $0, endpoint: ResolvedEndpoint(try $0.addresses[0].address, port: 4569))
    }
    var sockets: [TestDatagramSocket] = []
    for (site, endpoint) in ends {
      sockets.append(try await site.space.inside { try TestDatagramSocket(boundTo: endpoint) })
    }
    let call = CallTraffic([
      Direction(from: sockets[0], to: ends[1].endpoint, heardBy: sockets[1]),
      Direction(from: sockets[1], to: ends[0].endpoint, heardBy: sockets[0]),
    ])
    try await withThrowingTaskGroup { group in
      for direction in call.directions {
        // On threads of their own.
        group.addTask { try await one.space.inside { direction.send() } }
        group.addTask { try await one.space.inside { direction.listen() } }
      }
      defer { for direction in call.directions { direction.hangUp() } }
      try await body(call)
    }
  }

  /// What is lost from the beginning of the body until so many packets after its end, in each direction.
  func losses(followedBy count: Int = 50, _ body: () async throws -> Void) async throws -> [Loss] {
    let starts = directions.map(\.sent)
    try await body()
    let ends = directions.map { $0.sent + count }
    // Half a second more: what was held back on the way is late and not lost.
    let isComplete = try await eventually { zip(directions, ends).allSatisfy { $0.sent >= $1 + 25 } }
    guard isComplete else {
      throw KernelError("send 50 packets a second", "the call", reason: "it is much slower")
    }
    return zip(directions, zip(starts, ends)).map { direction, range in
      Loss(sent: range.1 - range.0, lost: (range.0..<range.1).count { !direction.wasHeard($0) })
    }
  }

  private final class Direction: Sendable {
    private struct Progress {
      var sent = 0
      var heard: Set<Int> = []
      var isOver = false
    }

    private let speaker: TestDatagramSocket
    private let listener: TestDatagramSocket
    private let target: ResolvedEndpoint
    private let progress = Mutex(Progress())

    init(from speaker: TestDatagramSocket, to target: ResolvedEndpoint, heardBy listener: TestDatagramSocket)
    {
      self.speaker = speaker
      self.target = target
      self.listener = listener
    }

    var sent: Int { progress.withLock { $0.sent } }
    private var isOver: Bool { progress.withLock { $0.isOver } }

    func wasHeard(_ number: Int) -> Bool { progress.withLock { $0.heard.contains(number) } }

    func hangUp() { progress.withLock { $0.isOver = true } }

    func send() {
      var time = timespec()
      clock_gettime(CLOCK_MONOTONIC, &time)
      while !isOver {
        let number = progress.withLock { progress in
          defer { progress.sent += 1 }
          return UInt32(progress.sent)
        }
        // A packet that cannot leave is lost.
        _ = speaker.send(hostOrder(number) + Array(repeating: 0xd5, count: 168), to: target)
        time.tv_nsec += 20_000_000
        if time.tv_nsec >= 1_000_000_000 {
          time.tv_sec += 1
          time.tv_nsec -= 1_000_000_000
        }
        clock_nanosleep(CLOCK_MONOTONIC, Int32(TIMER_ABSTIME), &time, nil)
      }
    }

    func listen() {
      while !isOver {
        guard let packet = listener.receive(), packet.count == 172,
          let number = packet[...].integer(UInt32.self, at: 0)
        else { continue }
        progress.withLock { _ = $0.heard.insert(Int(number)) }
      }
    }
  }
}
