// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: pbxlink contributors

/// A small picture of the last day of a link: round trip as a line, loss as bars, outages as bands. Its text says the same
/// to who cannot see it.
struct Sparkline {
  let past: LinkPast
  let now: Timestamp

  /// Of a part, and of the picture, in units of the drawing.
  private static let (step, height) = (10, 40)
  /// The loss that a bar of full height stands for.
  private static let fullLoss = 0.1

  /// Nil where nothing was measured and nothing happened.
  var svg: HTML? {
    let trips = past.parts.map { $0?.roundTrip }
    let down = past.parts.indices.filter { past.wasDown(in: $0, at: now) }
    guard trips.contains(where: { $0 != nil }) || !down.isEmpty else { return nil }
    let bands = down.map { "M\($0 * Self.step) 0h\(Self.step)v\(Self.height)h-\(Self.step)z" }.joined()
    return """
      <svg class="spark" role="img" aria-label="\(words)" viewBox="0 0 \(Self.step * LinkPast.count) \(Self.height)" \
      preserveAspectRatio="none"><path class="down" d="\(bands)"/><path class="loss" d="\(lossBars)"/>\
      <path class="rtt" d="\(line(trips))"/></svg>
      """
  }

  /// Such as "The last day: round trip 19 ms to 44 ms, at most 2.5 % lost, down for 5 min."
  var words: String {
    let trips = past.parts.compactMap { $0?.roundTrip }
    var facts: [String] = []
    if let least = trips.min(), let most = trips.max() {
      facts.append("round trip \(least.milliseconds) to \(most.milliseconds)")
    }
    if let loss = past.parts.compactMap({ $0?.loss }).max() { facts.append("at most \(loss.percent) lost") }
    let seconds = past.outages.filter { $0.kind == .down }.reduce(0) {
      $0 + $1.seconds(from: past.start, to: now)
    }
    facts.append(seconds == 0 ? "never down" : "down for \(Seconds.words(seconds))")
    return "The last day: \(facts.joined(separator: ", "))."
  }

  /// From nothing at the bottom to the longest round trip at the top; broken where nothing was measured.
  private func line(_ trips: [Double?]) -> String {
    let most = max(trips.compactMap(\.self).max() ?? 0, 0.001)
    var path = ""
    var former: Int?
    for (part, trip) in trips.enumerated() {
      let y = trip.map { Self.height - 1 - Int(($0 / most * Double(Self.height - 2)).rounded()) }
      if let y {
        path += (former.map { y == $0 ? "" : "v\(y - $0)" } ?? "M\(part * Self.step) \(y)") + "h\(Self.step)"
      }
      former = y
    }
    return path
  }

  private var lossBars: String {
    past.parts.enumerated().map { part, value in
      guard let loss = value?.loss, loss > 0 else { return "" }
      let bar = max(1, Int((min(loss / Self.fullLoss, 1) * Double(Self.height)).rounded()))
      return "M\(part * Self.step) \(Self.height)v-\(bar)h\(Self.step)v\(bar)z"
    }.joined()
  }
}
