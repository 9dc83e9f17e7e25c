// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: pbxlink contributors

/// What a process uses, under the names that all Prometheus clients share.
public struct ProcessUsage: Hashable, Sendable {
  /// Processor time, user and system together.
  public var processorTime: Duration
  /// Bytes in memory, and bytes mapped.
  public var residentBytes, virtualBytes: UInt64
  /// Files that are open, and how many may be; nil where there is no limit.
  public var openFiles: Int
  /// How many may be open.
  public var openFilesLimit: UInt64?
  /// Unix time of its start, in seconds.
  public var start: Double

  /// A process at one moment.
  public init(
    processorTime: Duration, residentBytes: UInt64, virtualBytes: UInt64, openFiles: Int,
    openFilesLimit: UInt64?, start: Double
  ) {
    self.processorTime = processorTime
    self.residentBytes = residentBytes
    self.virtualBytes = virtualBytes
    self.openFiles = openFiles
    self.openFilesLimit = openFilesLimit
    self.start = start
  }

  func write(to writer: inout MetricsWriter) {
    writer.begin("process_cpu_seconds", "Processor time of the agent.", .counter)
    writer.add(processorTime / .seconds(1))
    writer.begin("process_resident_memory_bytes", "Memory of the agent.")
    writer.add(Double(residentBytes))
    writer.begin("process_virtual_memory_bytes", "Addresses that the agent has mapped.")
    writer.add(Double(virtualBytes))
    writer.begin("process_open_fds", "Files that the agent has open.")
    writer.add(Double(openFiles))
    writer.begin("process_max_fds", "Files that it may have open.")
    writer.add(openFilesLimit.map { Double($0) } ?? .infinity)
    writer.begin("process_start_time_seconds", "Unix time of the agent's start.")
    writer.add(start)
  }
}
