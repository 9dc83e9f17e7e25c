// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: pbxlink contributors

internal import FoundationEssentials
internal import Glibc

/// A file for the textfile collector of Prometheus' node_exporter.
public enum MetricsFile {
  /// Writes metrics (text format 0.0.4) without those of a process, which node_exporter has of its own. A reader finds the
  /// former file or the new one, never a half.
  public static func write(_ text: String, to path: String) throws {
    let lines = text.split(separator: "\n").filter { line in
      !line.hasPrefix("process_") && !line.hasPrefix("# HELP process_") && !line.hasPrefix("# TYPE process_")
    }
    // The collector takes *.prom only.
    let draft = "\(path).\(getpid()).new"
    do {
      try Data((lines.joined(separator: "\n") + "\n").utf8).write(to: URL(filePath: draft))
      guard chmod(draft, 0o644) == 0, rename(draft, path) == 0 else {
        throw Failure(String(cString: strerror(errno)), .cannotCreate)
      }
    } catch {
      unlink(draft)
      throw Failure("\(path) cannot be written: \(error)", .cannotCreate)
    }
  }
}
