// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: pbxlink contributors

extension StatusSnapshot {
  /// Whether all is well, in a sentence.
  public var verdict: String {
    if site.revoked { return "The authority has revoked this site." }
    if agent.isDown { return "The links are taken down here." }
    let count = peers.filter { $0.state.tone != .idle }.count
    if count == 0 { return "No links yet." }
    let links = count == 1 ? "1 link" : "\(count) links"
    if alerts.isEmpty { return "\(links) well." }
    return "\(alerts.count) of \(links) not well: \(alerts.map(\.name).joined(separator: ", "))."
  }

  /// The links that somebody should look at.
  var alerts: [PeerStatus] { peers.filter { [.bad, .poor].contains($0.state.tone) } }
}

extension PeerStatus.State {
  /// How a state is shown: the style has a colour and a sign for each.
  enum Tone: String {
    case good, poor, bad, idle
  }

  var tone: Tone {
    switch self {
    case .up: .good
    case .degraded, .full: .poor
    case .down, .trunkDown, .callsRefused, .conflict: .bad
    case .pending, .invited, .disabled: .idle
    }
  }

  /// A link that is up may still sound poor.
  func tone(mos: Double?) -> Tone {
    tone == .good && mos.map { $0 < LinkQuality.poorMOS } == true ? .poor : tone
  }

  /// Whether there is something to measure.
  var isMeasured: Bool { [.up, .degraded, .full, .callsRefused, .trunkDown].contains(self) }
}
