// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: pbxlink contributors

/// The status as a monitoring plugin tells it, for Nagios, Icinga and their like (Monitoring Plugins Development
/// Guidelines): a line with the state and what is wrong, details, and performance data behind a bar.
public struct PluginCheck: Sendable {
  /// How bad it is; the raw value is the exit status.
  public enum Severity: Int32, Sendable, Comparable {
    case ok, warning, critical, unknown

    /// As the first line has it.
    public var word: String {
      switch self {
      case .ok: "OK"
      case .warning: "WARNING"
      case .critical: "CRITICAL"
      case .unknown: "UNKNOWN"
      }
    }

    /// The less bad one first.
    public static func < (left: Self, right: Self) -> Bool { left.rank < right.rank }
    private var rank: Int { self == .critical ? 4 : Int(rawValue) }
  }

  /// What is measured of a link.
  public enum Measure: String, CaseIterable, Sendable {
    /// Round trip in seconds.
    case roundTrip = "rtt"
    /// Loss in the worse direction, in percent.
    case loss
    /// MOS of the worse direction.
    case mos
  }

  /// The ranges outside of which a value is an alert.
  public typealias Thresholds = [Measure: PluginRange]

  /// Where callers begin to notice: ITU-T G.114 for the delay, MOS 3.6 for some who are not content.
  public static let warnings = thresholds("0.3", "2", "3.6:")
  /// Where a call is hard to bear.
  public static let criticals = thresholds("0.8", "5", "3.1:")

  private static func thresholds(_ roundTrip: String, _ loss: String, _ mos: String) -> Thresholds {
    zip(Measure.allCases, [roundTrip, loss, mos]).reduce(into: [:]) { $0[$1.0] = PluginRange($1.1) }
  }

  /// How bad the worst is.
  public private(set) var severity = Severity.ok
  private var findings: [(severity: Severity, text: String)] = []
  private var details: [String] = []
  private var performance: [String] = []
  private let links: Int

  /// Checks a site and all of its links, or one link alone.
  public init(
    _ status: StatusSnapshot, peer: String? = nil, warnings: Thresholds = warnings,
    criticals: Thresholds = criticals
  ) {
    let peers = status.peers.filter { $0.state != .invited && (peer == nil || $0.name == peer) }
    links = peers.count
    if let peer, peers.isEmpty { find(.unknown, "no link to '\(peer)': see 'pbxlink sites'") }
    if peer == nil {
      if status.agent.asteriskVersion == nil { find(.critical, "Asterisk does not answer") }
      let problems = status.agent.problems
      if !problems.isEmpty {
        find(.warning, "\(problems.count) problem\(problems.count == 1 ? "" : "s") here")
      }
      details += problems
    }
    for peer in peers { check(peer, warnings, criticals) }
  }

  private mutating func check(_ peer: PeerStatus, _ warnings: Thresholds, _ criticals: Thresholds) {
    let bad = peer.state.severity
    if bad != .ok {
      let state = peer.state.rawValue.replacing("_", with: " ")
      find(bad, "\(peer.name) \(state)")
      if let advice = peer.advice { details.append("\(peer.name): \(advice)") }
    }
    let loss = [peer.lossTransmit, peer.lossReceive].compactMap(\.self).max()
    let values: [(Measure, value: Double?, unit: String, shown: String?, range: String)] = [
      (.roundTrip, peer.roundTrip, "s", peer.roundTrip.map(\.milliseconds), "0;"),
      (.loss, loss.map { ($0 * 100).rounded(places: 2) }, "%", loss.map(\.percent), "0;100"),
      (.mos, peer.mos, "", peer.mos.map { $0.fixed(places: 1) }, "1;5"),
    ]
    for (measure, value, unit, shown, range) in values {
      let (warning, critical) = (warnings[measure], criticals[measure])
      // A link that is down has been told of.
      if let value, let shown, bad != .critical {
        let worst: Severity =
          critical?.isAlert(value) == true ? .critical : warning?.isAlert(value) == true ? .warning : .ok
        if worst != .ok { find(worst, "\(peer.name) \(measure.rawValue) \(shown)") }
      }
      performance.append(
        "'\(peer.name)_\(measure.rawValue)'=\(value.map { "\($0.plain)\(unit)" } ?? "U");"
          + "\(warning?.description ?? "");\(critical?.description ?? "");\(range)")
    }
    performance.append("'\(peer.name)_calls'=\(peer.calls);;;0;\(peer.callLimit.map(String.init) ?? "")")
    performance.append("'\(peer.name)_up'=\(bad == .critical ? 0 : 1);;;0;1")
  }

  private mutating func find(_ severity: Severity, _ text: String) {
    self.severity = max(self.severity, severity)
    findings.append((severity, text))
  }

  /// The lines of output, the worst finding first.
  public var lines: [String] {
    let texts = [Severity.critical, .warning, .unknown].flatMap { severity in
      findings.filter { $0.severity == severity }.map(\.text)
    }
    let summary = texts.isEmpty ? "\(links) link\(links == 1 ? "" : "s") well" : texts.joined(separator: "; ")
    let data = performance.isEmpty ? "" : " | " + performance.joined(separator: " ")
    return ["PBXLINK \(severity.word) - \(Self.clean(summary))" + data] + details.map(Self.clean)
  }

  /// A bar would begin performance data.
  private static func clean(_ text: String) -> String {
    text.replacing("|", with: "/").replacing("\n", with: " ")
  }
}

extension PeerStatus.State {
  fileprivate var severity: PluginCheck.Severity {
    switch self {
    case .up, .invited: .ok
    case .degraded, .full, .pending, .conflict, .disabled: .warning
    case .down, .trunkDown, .callsRefused: .critical
    }
  }
}

extension Double {
  /// Without an exponent, as performance data has numbers.
  fileprivate var plain: String {
    self == rounded() && magnitude < 1e15 ? String(Int64(self)) : fixed(places: 6).trimmingZeros
  }
}

extension String {
  fileprivate var trimmingZeros: String {
    guard contains(".") else { return self }
    var text = self
    while text.last == "0" { text.removeLast() }
    if text.last == "." { text.removeLast() }
    return text
  }
}
