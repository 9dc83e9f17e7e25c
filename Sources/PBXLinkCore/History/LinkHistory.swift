// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: pbxlink contributors

/// The past of one link: minutes of the last day, hours of the last 90 days, outages.
public struct LinkHistory: Hashable, Sendable, Codable {
  /// The form of this document.
  public var schema = "pbxlink.history/1"
  /// When it was made, RFC 3339.
  public let time: String
  /// The other site.
  public let site: String
  /// Samples, the oldest first.
  public let minutes, hours: [LinkSample]
  /// Outages, the oldest first.
  public let outages: [Outage]

  /// The past of a link.
  public init(
    of site: SiteName, minutes: [LinkSample], hours: [LinkSample], outages: [Outage], at now: Timestamp
  ) {
    time = now.description
    self.site = site.description
    (self.minutes, self.hours, self.outages) = (minutes, hours, outages)
  }

  /// The report for a terminal: round trip and MOS as pictures of a mark for each hour, a row for each hour, outages.
  public func lines(hours count: Int, at now: Timestamp) -> [String] {
    let current = LinkSample.hour(of: now)
    let starts = (0..<count).reversed().map { current + -Int64($0) * LinkSample.hour }
    let known = byHour(current)
    let samples = starts.map { known[$0] }
    let down = starts.map { start in seconds(.down, from: start, to: min(start + LinkSample.hour, now)) }
    var lines = ["\(site): the last \(count) hours, until \(time)", ""]
    lines += picture("RTT", samples.map { $0?.roundTrip }, down) { $0.milliseconds }
    lines += picture("MOS", samples.map { $0?.mos }, down) { $0.fixed(places: 1) }
    let rows = zip(starts, zip(samples, down)).compactMap { start, hour -> [String]? in
      let (sample, down) = hour
      guard sample != nil || down > 0 else { return nil }
      return [
        start.description, sample?.path.rawValue ?? "-", Seconds.words(down),
        sample?.roundTrip.milliseconds ?? "-", sample?.longestRoundTrip.milliseconds ?? "-",
        Self.loss(sample), sample?.jitter?.milliseconds ?? "-", sample?.mos?.fixed(places: 1) ?? "-",
      ]
    }
    guard !rows.isEmpty else { return lines + ["Nothing was measured in this time."] }
    lines += TextTable(["HOUR", "PATH", "DOWN", "RTT", "MAX", "LOSS", "JITTER", "MOS"], rows: rows).lines
    let recent = outages.filter { $0.seconds(from: starts[0], to: now) > 0 || $0.ended == nil }
    if !recent.isEmpty { lines.append("") }
    return lines
      + recent.map { outage in
        let length = Seconds.words(outage.seconds(from: outage.began, to: outage.ended ?? now))
        return "\(outage.kind.rawValue) from \(outage.began) "
          + (outage.ended == nil ? "until now" : "for \(length)") + ": \(outage.cause)"
      }
  }

  /// The hours that are over, and the present one as far as it goes.
  private func byHour(_ current: Timestamp) -> [Timestamp: LinkSample] {
    var known = Dictionary(hours.map { ($0.time, $0) }, uniquingKeysWith: { $1 })
    for (hour, minutes) in Dictionary(grouping: minutes, by: { LinkSample.hour(of: $0.time) })
    where known[hour] == nil {
      known[hour] = LinkSample.merged(minutes, into: hour)
    }
    return known
  }

  private func seconds(_ kind: Outage.Kind, from start: Timestamp, to end: Timestamp) -> Int64 {
    outages.filter { $0.kind == kind }.reduce(0) { $0 + $1.seconds(from: start, to: end) }
  }

  private static let marks = Array("▁▂▃▄▅▆▇█")

  /// One line: a mark for each hour between the least and the greatest value, "x" for one in which the link was down.
  private func picture(
    _ title: String, _ values: [Double?], _ down: [Int64], _ text: (Double) -> String
  ) -> [String] {
    let known = values.compactMap(\.self)
    guard let least = known.min(), let most = known.max() else { return [] }
    let marks = zip(values, down).map { value, down -> Character in
      if down > 0 { return "x" }
      guard let value else { return " " }
      let share = most > least ? (value - least) / (most - least) : 0
      return Self.marks[min(Int(share * Double(Self.marks.count)), Self.marks.count - 1)]
    }
    return ["\(title)  \(String(marks))  \(text(least)) to \(text(most))"]
  }

  private static func loss(_ sample: LinkSample?) -> String {
    guard let transmit = sample?.lossTransmit, let receive = sample?.lossReceive else { return "-" }
    return "\((transmit * 100).fixed(places: 1))/\(receive.percent)"
  }
}
