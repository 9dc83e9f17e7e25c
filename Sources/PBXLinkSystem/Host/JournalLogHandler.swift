// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: pbxlink contributors

internal import Glibc
public import Logging

/// Logs lines on standard error: with `<N>` levels for systemd's journal (sd-daemon(3)), which adds the time
/// itself; by name elsewhere. Metadata follows as key=value.
public struct JournalLogHandler: LogHandler {
  /// What every line carries.
  public var metadata: Logger.Metadata = [:]
  /// The lowest level that is written.
  public var logLevel = Logger.Level.info
  private let isUnderSystemd: Bool

  /// A handler.
  public init(isUnderSystemd: Bool) { self.isUnderSystemd = isUnderSystemd }

  /// One metadata value.
  public subscript(metadataKey key: String) -> Logger.Metadata.Value? {
    get { metadata[key] }
    set { metadata[key] = newValue }
  }

  /// Writes a line.
  public func log(event: LogEvent) {
    let all = metadata.merging(event.metadata ?? [:]) { $1 }
    let pairs = all.sorted { $0.key < $1.key }.map { " \($0.key)=\(Self.quoted("\($0.value)"))" }.joined()
    let level = isUnderSystemd ? "<\(Self.priority(event.level))>" : "\(event.level.rawValue): "
    let line = Array((level + event.message.description.replacing("\n", with: " ") + pairs + "\n").utf8)
    _ = write(STDERR_FILENO, line, line.count)
  }

  private static func quoted(_ value: String) -> String {
    value.contains(where: { $0 == " " || $0 == "\"" || $0 == "\n" }) ? String(reflecting: value) : value
  }

  /// The syslog priority (RFC 5424 table 2).
  private static func priority(_ level: Logger.Level) -> Int {
    switch level {
    case .critical: 2
    case .error: 3
    case .warning: 4
    case .notice: 5
    case .info: 6
    case .debug, .trace: 7
    }
  }
}
