// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: pbxlink contributors

import FoundationEssentials
import Glibc
import PBXLinkCore

/// Compares pbxlink with other programs that do the same, both in one run. Prints tables in Markdown.
@main
struct PBXLinkBench {
  static func main() async {
    do {
      try await run(Array(CommandLine.arguments.dropFirst()))
    } catch {
      note("pbxlink-bench: \(error)")
      exit(1)
    }
  }

  private static func run(_ arguments: [String]) async throws {
    switch arguments.first {
    case "kernel":
      print("| what | pbxlink | by hand | ratio | target |")
      print("|---|---|---|---|---|")
      for row in try await ControlBenchmark().rows() + [ThroughputBenchmark.row()] { print(row) }
    case "monitoring": try MonitoringBenchmark().run()
    case "documents": try await DocumentBenchmark().run()
    case "idle":
      let numbers = arguments.dropFirst().compactMap { Int($0) }
      guard numbers.count == 2, numbers[1] > 0, numbers[0] >= numbers[1] else {
        throw Command.Failure(description: usage)
      }
      try await IdleBenchmark(binaries: folder(), knownSites: numbers[0], linkedSites: numbers[1]).run()
    case "probes":
      try await ProbeBenchmark(program: folder() + "/pbxlink-bench").run()
    case "probe-end":
      guard let end = ProbeEnd(Array(arguments.dropFirst())) else {
        throw Command.Failure(description: usage)
      }
      try await end.run()
    default: throw Command.Failure(description: usage)
    }
  }

  private static let usage = """
    usage: pbxlink-bench kernel|documents|monitoring|probes|idle KNOWN LINKED
      kernel     WireGuard in the kernel against wg and ip. Needs root, and leaves its interfaces behind: it is
                 meant for a guest that is thrown away (Tests/KernelGuest/boot --bench).
      documents  10,000 descriptors verified and merged, against the signatures alone (openssl speed).
      monitoring An answer to Prometheus and a refresh of the status page, with 500 links.
      probes     A probe's packets, the load of 1,000 peers, and the time until a silent one is down. Needs root.
      idle       The agent, nebula and tincd with so many hosts, such as 500, so many of them linked, such as 20, the
                 others off. Needs root, the packages nebula and tinc, and a pbxlink beside this program.
    """

  /// Where this program is.
  private static func folder() throws -> String {
    let program = try FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe")
    return program.split(separator: "/").dropLast().reduce("") { "\($0)/\($1)" }
  }
}

/// One line of the table.
struct Row: CustomStringConvertible {
  let what: String
  let ours: String
  let theirs: String
  let ratio: Double
  let target: String

  var description: String { "| \(what) | \(ours) | \(theirs) | \(decimal(ratio, places: 3)) | \(target) |" }
}

/// A number with so many digits behind the point.
func decimal(_ value: Double, places: Int) -> String {
  let text = String(Int((value * (0..<places).reduce(1) { product, _ in product * 10 }).rounded()))
  let digits = String(repeating: "0", count: max(0, places + 1 - text.count)) + text
  return "\(digits.dropLast(places)).\(digits.suffix(places))"
}

/// Tells what takes so long, apart from the results.
func note(_ text: String) {
  let line = Array("\(text)\n".utf8)
  _ = write(STDERR_FILENO, line, line.count)
}

extension Row {
  /// A comparison of two times.
  init(_ what: String, _ ours: Duration, _ theirs: Duration, target: String = "") {
    self.init(
      what: what, ours: ours.milliseconds, theirs: theirs.milliseconds, ratio: ours / theirs, target: target)
  }
}

extension Duration {
  var milliseconds: String { decimal(self / .milliseconds(1), places: 1) + " ms" }
}

extension Array where Element: Comparable {
  /// The middle one.
  var median: Element { sorted()[count / 2] }
}
