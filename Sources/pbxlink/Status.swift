// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: pbxlink contributors

import ArgumentParser
import PBXLinkCore
import PBXLinkSystem

struct Status: ReportingCommand {
  static let configuration = CommandConfiguration(
    abstract: "Show this site, its links and what is not well.",
    discussion: """
        pbxlink status
        pbxlink status --json | jq '.peers[] | {name, state}'
        pbxlink status --watch
        pbxlink status --format prometheus
        pbxlink status --textfile /var/lib/prometheus/node-exporter/pbxlink.prom

      RTT, LOSS (from here / to here), JITTER (of the worse direction) and MOS (there/here) are those of
      the last minute on the path in use.
      """)

  @OptionGroup var agent: AgentOptions
  @OptionGroup var output: OutputOptions
  @Option(help: "table, json, or metrics as prometheus or openmetrics.") var format: Format?

  @Flag(name: .shortAndLong, help: "Show it anew every two seconds; keys sort.") var watch = false
  @Option(
    help: "Write the metrics into this file, for node_exporter's textfile collector.", completion: .file())
  var textfile: String?

  enum Format: String, ExpressibleByArgument {
    case table, json, prometheus, openmetrics
  }

  func validate() throws {
    guard [watch, textfile != nil, output.json || format != nil].filter(\.self).count <= 1 else {
      throw ValidationError("--watch, --textfile and a format exclude each other.")
    }
    guard !output.json || format == nil || format == .json else {
      throw ValidationError("--json and --format \(format?.rawValue ?? "") exclude each other.")
    }
  }

  func execute() async throws {
    if let textfile {
      let metrics: Control.MetricsAnswer = try await agent.client().get("/v1/metrics")
      return try MetricsFile.write(metrics.prometheus, to: textfile)
    }
    if watch { return try await StatusWatch(client: try agent.client()).run() }
    if format == .prometheus || format == .openmetrics {
      let metrics: Control.MetricsAnswer = try await agent.client().get("/v1/metrics")
      print(format == .prometheus ? metrics.prometheus : metrics.openMetrics, terminator: "")
      return
    }
    let status: StatusSnapshot = try await agent.client().get("/v1/status")
    if output.json || format == .json {
      try Console.print(json: status)
    } else {
      Console.print(status.table())
    }
  }
}
