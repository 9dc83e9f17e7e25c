// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: pbxlink contributors

/// A text form of metrics. Both have the same samples, so that a scraper may change from one to the other.
public enum MetricsFormat: Sendable {
  /// The text format 0.0.4 of Prometheus.
  case prometheus
  /// OpenMetrics 1.0.0.
  case openMetrics

  /// The format for an Accept header (RFC 9110 §12.5.1): OpenMetrics 1.0 only for who prefers it to plain text.
  public init(accept: String?) {
    var best = (openMetrics: 0.0, text: 0.0)
    for range in (accept ?? "").lowercased().split(separator: ",") {
      let parts = range.split(separator: ";").map { $0.filter { $0 != " " && $0 != "\t" } }
      let weight = parts.dropFirst().first { $0.hasPrefix("q=") }.flatMap { Double($0.dropFirst(2)) } ?? 1
      let version = parts.dropFirst().first { $0.hasPrefix("version=") }?.dropFirst(8)
      switch parts.first {
      case "application/openmetrics-text" where version.map { $0 == "1.0.0" || $0 == "\"1.0.0\"" } ?? true:
        best.openMetrics = max(best.openMetrics, weight)
      case "text/plain", "text/*", "*/*": best.text = max(best.text, weight)
      default: break
      }
    }
    self = best.openMetrics > 0 && best.openMetrics >= best.text ? .openMetrics : .prometheus
  }

  /// The Content-Type of an answer.
  public var contentType: String {
    switch self {
    case .prometheus: "text/plain; version=0.0.4; charset=utf-8"
    case .openMetrics: "application/openmetrics-text; version=1.0.0; charset=utf-8"
    }
  }
}
