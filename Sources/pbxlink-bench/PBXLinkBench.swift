// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: pbxlink contributors

import PBXLinkCore

/// Compares the kernel's WireGuard as pbxlink drives it with `wg` and `ip`, in one run. Prints a table in
/// Markdown. Needs root, and leaves its interfaces behind: it is meant for a guest that is thrown away.
@main
struct PBXLinkBench {
  static func main() async throws {
    print("| what | pbxlink | by hand | ratio | target |")
    print("|---|---|---|---|---|")
    for row in try await ControlBenchmark().rows() + [ThroughputBenchmark.row()] { print(row) }
  }
}

/// One line of the table.
struct Row: CustomStringConvertible {
  let what: String
  let ours: String
  let theirs: String
  let ratio: Double
  let target: String

  var description: String {
    let hundredths = Int((ratio * 100).rounded())
    let digits = hundredths % 100 < 10 ? "0\(hundredths % 100)" : "\(hundredths % 100)"
    return "| \(what) | \(ours) | \(theirs) | \(hundredths / 100).\(digits) | \(target) |"
  }
}

extension Row {
  /// A comparison of two times.
  init(_ what: String, _ ours: Duration, _ theirs: Duration, target: String = "") {
    self.init(
      what: what, ours: ours.milliseconds, theirs: theirs.milliseconds, ratio: ours / theirs, target: target)
  }
}

extension Duration {
  var milliseconds: String {
    let tenths = Int((self / .microseconds(100)).rounded())
    return "\(tenths / 10).\(tenths % 10) ms"
  }
}

extension Array where Element: Comparable {
  /// The middle one.
  var median: Element { sorted()[count / 2] }
}
