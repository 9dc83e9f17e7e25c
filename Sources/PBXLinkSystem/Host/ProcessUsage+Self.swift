// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: pbxlink contributors

internal import FoundationEssentials
internal import Glibc
internal import PBXLinkCore

extension ProcessUsage {
  /// This process now, from proc(5).
  static func current() throws -> Self {
    // The command may hold blanks and parentheses; what follows the last one begins with field 3.
    let stat = try String(contentsOfFile: "/proc/self/stat", encoding: .utf8)
    let fields = stat[(stat.lastIndex(of: ")") ?? stat.startIndex)...].split(separator: " ")
    func number(_ field: Int) -> UInt64 {
      let index = field - 2
      return fields.indices.contains(index) ? UInt64(fields[index]) ?? 0 : 0
    }
    let ticks = UInt64(max(1, sysconf(Int32(_SC_CLK_TCK))))
    let boot = try String(contentsOfFile: "/proc/stat", encoding: .utf8).split(separator: "\n")
      .first { $0.hasPrefix("btime ") }.flatMap { Double($0.dropFirst(6)) }
    var limit = rlimit()
    getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit)
    return Self(
      processorTime: .milliseconds(Int64((number(14) + number(15)) * 1000 / ticks)),
      residentBytes: number(24) * UInt64(sysconf(Int32(_SC_PAGESIZE))), virtualBytes: number(23),
      openFiles: try FileManager.default.contentsOfDirectory(atPath: "/proc/self/fd").count,
      openFilesLimit: limit.rlim_cur == .max ? nil : UInt64(limit.rlim_cur),
      start: (boot ?? 0) + Double(number(22)) / Double(ticks))
  }
}
