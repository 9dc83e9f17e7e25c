// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: pbxlink contributors

extension StatusSnapshot {
  private static let results: [(String, @Sendable (CallCounts) -> Int)] = [
    ("answered", { $0.answered }), ("unanswered", { $0.unanswered }),
    ("refused_limit", { $0.refusedLimit }), ("failed", { $0.failed }),
  ]

  func writeCalls(_ peers: [LabelledPeer], to writer: inout MetricsWriter) {
    let (incoming, outgoing) = (
      writer.label("direction", TrunkCall.Direction.incoming.rawValue),
      writer.label("direction", TrunkCall.Direction.outgoing.rawValue)
    )
    let results = Self.results.map { result, count in
      let label = writer.label("result", result)
      return (writer.labels(incoming, label), writer.labels(outgoing, label), count)
    }
    // Of calls that Asterisk here has not let in for want of authentication it tells nobody.
    let unauthenticated = writer.labels(outgoing, writer.label("result", "refused_authentication"))
    writer.begin(
      "pbxlink_calls", "Calls that have ended, by who placed them and what became of them.", .counter)
    for peer in peers {
      for (labels, _, count) in results { writer.add(Double(count(peer.incoming)), peer.labels, labels) }
      for (_, labels, count) in results { writer.add(Double(count(peer.outgoing)), peer.labels, labels) }
      writer.add(Double(peer.outgoing.refusedAuthentication), peer.labels, unauthenticated)
    }
    writer.begin(
      "pbxlink_call_seconds", "Time talked in calls that have ended, by who placed them.", .counter)
    for peer in peers {
      writer.add(Double(peer.incoming.seconds), peer.labels, incoming)
      writer.add(Double(peer.outgoing.seconds), peer.labels, outgoing)
    }
  }
}
