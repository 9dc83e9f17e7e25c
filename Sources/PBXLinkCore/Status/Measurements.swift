// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: pbxlink contributors

/// What metrics show besides the status.
public struct Measurements: Sendable {
  /// What probes have counted since each path was first probed, by site.
  public var probes: [SiteName: [TunnelPath: ProbeCounters]] = [:]
  /// The calls with each site since the agent's start.
  public var calls: [SiteName: [TrunkCall.Direction: CallCounts]] = [:]
  /// How late the latest of the last thousand probes left; nil before the first.
  public var timerLag: Duration?
  /// What the agent uses.
  public var process: ProcessUsage?

  /// Nothing was measured yet.
  public init() {}

  /// Writes what there is to tell of an agent in any mesh or none.
  public func write(to writer: inout MetricsWriter) {
    writer.begin("pbxlink_build_info", "Build of the running agent; always 1.")
    writer.add(1, writer.label("version", Version.current))
    process?.write(to: &writer)
  }
}
