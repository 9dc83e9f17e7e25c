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
    let thousandths = String(Int((ratio * 1000).rounded()))
    let digits = String(repeating: "0", count: max(0, 4 - thousandths.count)) + thousandths
    return "| \(what) | \(ours) | \(theirs) | \(digits.dropLast(3)).\(digits.suffix(3)) | \(target) |"
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
