// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: pbxlink contributors

internal import PBXLinkCore

extension Control {
  /// The metrics as text, in both formats.
  public struct MetricsAnswer: Sendable, Codable {
    /// Prometheus' text format 0.0.4.
    public let prometheus: String
    /// OpenMetrics 1.0.0.
    public let openMetrics: String

    enum CodingKeys: String, CodingKey {
      case prometheus
      case openMetrics = "openmetrics"
    }

    init(_ source: some MonitoringSource) async throws {
      prometheus = String(decoding: try await source.metrics(.prometheus), as: UTF8.self)
      openMetrics = String(decoding: try await source.metrics(.openMetrics), as: UTF8.self)
    }
  }
}
