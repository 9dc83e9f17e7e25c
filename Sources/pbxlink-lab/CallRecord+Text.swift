// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: pbxlink contributors

import LinkLab

extension CallRecord {
  /// A few lines for people.
  var summary: String {
    (["\(callerNumber) to \(number): answered after \(answerSeconds.inTenths) s"]
      + ([caller] + (callee.map { [$0] } ?? [])).map(\.line)).joined(separator: "\n")
  }
}

extension CallRecord.Leg {
  fileprivate var line: String {
    var facts = [channel, state, "caller \(callerNumber)"]
    if let peerAddress {
      facts.append("peer \(peerAddress) by \(interface ?? "?")")
      facts.append(hearsVoice ? "hears the other end" : "hears nothing")
    }
    if let detail { facts.append("CDR \(detail.disposition) \(detail.billedSeconds) s") }
    return "  \(site): " + facts.joined(separator: ", ")
  }
}
