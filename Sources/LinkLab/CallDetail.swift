// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: pbxlink contributors

/// One line of Asterisk's call detail records, `cdr-csv/Master.csv`.
public struct CallDetail: Codable, Hashable, Sendable {
  /// The caller's number.
  public let source: String
  /// The called number.
  public let destination: String
  /// The channel that called.
  public let channel: String
  /// The channel it was connected to; empty when the dialplan itself answered.
  public let destinationChannel: String
  /// `ANSWERED`, `NO ANSWER`, `BUSY`, `FAILED` or `CONGESTION`.
  public let disposition: String
  /// Seconds from answer to end.
  public let billedSeconds: Int
  /// The unique id of `channel`.
  public let uniqueID: String

  /// Fields in the order of cdr_csv.c, with `loguniqueid=yes` as in Debian.
  init?(csv line: Substring) {
    let fields = Self.fields(line)
    guard fields.count >= 17 else { return nil }
    source = fields[1]
    destination = fields[2]
    channel = fields[5]
    destinationChannel = fields[6]
    billedSeconds = Int(fields[13]) ?? 0
    disposition = fields[14]
    uniqueID = fields[16]
  }

  /// Comma-separated; a quoted field doubles its quotes (RFC 4180).
  private static func fields(_ line: Substring) -> [String] {
    var fields = [""]
    var isQuoted = false
    var previous: Character?
    for character in line {
      if character == "\"" {
        if !isQuoted && previous == "\"" { fields[fields.count - 1].append("\"") }
        isQuoted.toggle()
      } else if character == ",", !isQuoted {
        fields.append("")
      } else {
        fields[fields.count - 1].append(character)
      }
      previous = character
    }
    return fields
  }
}

extension Office {
  /// The call detail records of the office, oldest first.
  public func callDetails() throws -> [CallDetail] {
    let path = "/run/office/root/var/log/asterisk/cdr-csv/Master.csv"
    guard let text = try? read(path) else { return [] }
    return text.split(separator: "\n").compactMap { CallDetail(csv: $0) }
  }
}
