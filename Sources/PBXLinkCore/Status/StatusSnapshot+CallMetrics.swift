// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: pbxlink contributors

extension StatusSnapshot {
  private static let directions: [(MetricsWriter.Labels, @Sendable (LabelledPeer) -> CallCounts)] = [
    (.init("direction", TrunkCall.Direction.incoming.rawValue), { $0.incoming }),
    (.init("direction", TrunkCall.Direction.outgoing.rawValue), { $0.outgoing }),
  ]

  private static let results: [(MetricsWriter.Labels, @Sendable (CallCounts) -> Int)] = [
    (.init("result", "answered"), { $0.answered }), (.init("result", "unanswered"), { $0.unanswered }),
    (.init("result", "refused_limit"), { $0.refusedLimit }), (.init("result", "failed"), { $0.failed }),
  ]

  private static let outcomes = directions.flatMap { direction, calls in
    results.map { (direction.adding($0.0), calls, $0.1) }
  }

  /// Of calls that Asterisk has not let in for want of authentication it tells nobody.
  private static let unauthenticated = MetricsWriter.Labels(
    "direction", TrunkCall.Direction.outgoing.rawValue
  ).adding(.init("result", "refused_authentication"))

  func writeCalls(_ peers: [LabelledPeer], to writer: inout MetricsWriter) {
    writer.begin(
      "pbxlink_calls", "Calls that have ended, by who placed them and what became of them.", .counter)
    for peer in peers {
      for (labels, calls, count) in Self.outcomes {
        writer.add(Double(count(calls(peer))), peer.labels, labels)
      }
      writer.add(Double(peer.outgoing.refusedAuthentication), peer.labels, Self.unauthenticated)
    }
    writer.begin(
      "pbxlink_call_seconds", "Time talked in calls that have ended, by who placed them.", .counter)
    for peer in peers {
      for (labels, calls) in Self.directions { writer.add(Double(calls(peer).seconds), peer.labels, labels) }
    }
  }
}
