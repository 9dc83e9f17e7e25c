// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: pbxlink contributors

import Foundation
import Testing
import Yams

@testable import PBXLinkSystem

/// The recorded metrics, read by the programs that they are for.
@Suite("Metrics in the eyes of others")
struct MetricsOracleTests {
  private static let tests = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
    .deletingLastPathComponent()

  private func recorded(_ name: String) -> String {
    Self.tests.appending(path: "PBXLinkCoreTests/Golden/Status/\(name)").path
  }

  @Test("promtool finds no fault in the names and the text")
  func promtool() async throws {
    let output = try await NetworkNamespace.command([
      "sh", "-c",
      "exec '\(OtherPrograms.root)/usr/bin/promtool' check metrics < '\(recorded("mesh.prom"))' 2>&1",
    ])
    #expect(output.isEmpty)
  }

  @Test("the recorded states are what the schema says, and every key of theirs is in it")
  func schema() async throws {
    let schema = Self.tests.deletingLastPathComponent().appending(path: "docs/schemas/status.json").path
    let script = URL(filePath: #filePath).deletingLastPathComponent().appending(path: "validate.py").path
    let output = try await NetworkNamespace.command([
      "env", OtherPrograms.python, script, schema, recorded("mesh.json"), recorded("bare.json"),
    ])
    #expect(output.isEmpty)
  }

  private static let monitoring = tests.deletingLastPathComponent().appending(path: "docs/monitoring")

  @Test("the alert rules are valid, and fire when their tests say so and not otherwise")
  func alerts() async throws {
    let promtool = "\(OtherPrograms.root)/usr/bin/promtool"
    let rules = Self.monitoring.appending(path: "pbxlink-alerts.yml").path
    let tests = Self.monitoring.appending(path: "pbxlink-alerts-test.yml").path
    let checked = try await NetworkNamespace.command(["env", promtool, "check", "rules", rules])
    #expect(checked.contains("SUCCESS"))
    #expect(
      try await NetworkNamespace.command(["env", promtool, "test", "rules", tests]).contains("SUCCESS"))
  }

  @Test("every path of the Zabbix template leads to a value that status has")
  func zabbix() async throws {
    let script = Self.tests.appending(path: "PBXLinkSystemTests/Web/check_zabbix.py").path
    let output = try await NetworkNamespace.command([
      "env", OtherPrograms.python, script, Self.monitoring.appending(path: "pbxlink-zabbix.yaml").path,
      recorded("mesh.json"),
    ])
    #expect(output.hasPrefix("paths that find their key: "))
  }

  @Test("Grafana's own types know all that is in the dashboard")
  func dashboardTypes() async throws {
    let script = Self.tests.appending(path: "PBXLinkSystemTests/Web/check_dashboard.py").path
    let output = try await NetworkNamespace.command([
      "env", OtherPrograms.python, script, Self.monitoring.appending(path: "pbxlink-dashboard.json").path,
    ])
    #expect(output.hasPrefix("panels that Grafana knows: "))
  }

  @Test("the configurations for Prometheus and Grafana are valid and lead to each other")
  func configurations() async throws {
    let folder = Self.monitoring.path
    let checked = try await NetworkNamespace.command([
      "env", "\(OtherPrograms.root)/usr/bin/promtool", "check", "config", folder + "/prometheus.yml",
    ])
    #expect(checked.contains("SUCCESS: 1 rule files found"))
    func yaml(_ path: String) throws -> [String: Any] {
      let text = try String(contentsOfFile: folder + "/grafana/" + path, encoding: .utf8)
      return try #require(try Yams.load(yaml: text) as? [String: Any])
    }
    let source = try #require(
      (try yaml("datasources/pbxlink.yaml")["datasources"] as? [[String: Any]])?.first)
    #expect(source["type"] as? String == "prometheus" && source["url"] as? String == "http://127.0.0.1:9090")
    let provider = try #require((try yaml("dashboards/pbxlink.yaml")["providers"] as? [[String: Any]])?.first)
    let path = try #require((provider["options"] as? [String: Any])?["path"] as? String)
    let guide = try String(contentsOf: Self.monitoring.appending(path: "README.md"), encoding: .utf8)
    #expect(guide.contains("pbxlink-dashboard.json \(path)/pbxlink.json"))
  }

  /// What a panel of a dashboard, or a row of panels, asks for.
  private struct Dashboard: Decodable {
    struct Panel: Decodable {
      struct Target: Decodable { let expr: String }
      let title: String
      let description: String?
      let targets: [Target]?
    }
    let panels: [Panel]
  }

  @Test(
    "the dashboard asks for what is exported, in words that Prometheus understands, and says what it shows")
  func dashboard() async throws {
    let file = Self.monitoring.appending(path: "pbxlink-dashboard.json")
    let panels = try JSONDecoder().decode(Dashboard.self, from: Data(contentsOf: file)).panels
    let queries = panels.flatMap { $0.targets ?? [] }.map(\.expr)
    #expect(queries.count > 20)
    for panel in panels where panel.targets != nil {
      #expect(panel.description?.isEmpty == false, "\(panel.title)")
    }
    let exported = try exportedNames()
    for name in queries.flatMap({
      $0.matches(of: /pbxlink_[a-z0-9_]+|process_[a-z0-9_]+/).map { String($0.output) }
    }) {
      #expect(exported.contains(name.replacing(/_bucket$/, with: "")), "\(name)")
    }
    let rules = queries.enumerated().map { index, query in
      let expression = query.replacing("$__rate_interval", with: "5m").replacing(/\$[a-z]+/, with: "x")
      return ["record": "dashboard:\(index)", "expr": expression]
    }
    let rulesFile = FileManager.default.temporaryDirectory.appending(path: "dashboard-\(UUID()).yml")
    defer { try? FileManager.default.removeItem(at: rulesFile) }
    let groups = ["groups": [["name": "dashboard", "rules": rules] as [String: Any]]]
    // YAML knows no "\/".
    try JSONSerialization.data(withJSONObject: groups, options: .withoutEscapingSlashes).write(to: rulesFile)
    let checked = try await NetworkNamespace.command([
      "env", "\(OtherPrograms.root)/usr/bin/promtool", "check", "rules", rulesFile.path,
    ])
    #expect(checked.contains("SUCCESS: \(queries.count) rules found"))
  }

  private func exportedNames() throws -> [String] {
    try String(contentsOfFile: recorded("mesh.prom"), encoding: .utf8)
      .matches(of: #/# TYPE ([a-z0-9_]+) /#).map { String($0.1) }
  }

  @Test("every metric that an alert asks for is exported, and every one that is exported is described")
  func names() throws {
    let exported = try exportedNames()
    #expect(exported.count > 30)
    let alerts = try String(
      contentsOf: Self.monitoring.appending(path: "pbxlink-alerts.yml"), encoding: .utf8)
    // What has a colon behind its name is a rule's.
    let asked = Set(alerts.matches(of: /[^:a-z_](pbxlink_[a-z0-9_]+)\b(?!:)/).map { String($0.1) })
    #expect(asked.count > 12 && asked.subtracting(exported) == [])
    let guide = try String(contentsOf: Self.monitoring.appending(path: "README.md"), encoding: .utf8)
    for name in exported { #expect(guide.contains("`\(name)`"), "\(name)") }
  }

  @Test("prometheus_client reads both formats, and finds the same samples in them")
  func client() async throws {
    let script = Self.tests.appending(path: "PBXLinkSystemTests/Web/read_metrics.py").path
    let output = try await NetworkNamespace.command([
      "env", OtherPrograms.python, script, recorded("mesh.prom"), recorded("mesh.om"),
    ])
    #expect(output.hasPrefix("the same samples: "))
  }
}
