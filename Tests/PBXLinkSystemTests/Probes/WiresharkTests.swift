// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: pbxlink contributors

import Foundation
import Glibc
import PBXLinkCore
import Testing

@testable import PBXLinkSystem

/// Our packets as they are on the wire, read by Wireshark's dissectors.
@Suite(
  "Packets in Wireshark",
  .enabled(if: NetworkNamespace.obstacle == nil, Comment(rawValue: NetworkNamespace.obstacle ?? "")))
struct WiresharkTests {
  /// Runs the body with a folder that is removed afterwards.
  private func withFolder(_ body: (String) async throws -> Void) async throws {
    let folder = FileManager.default.temporaryDirectory.appending(path: "pbxlink-wireshark-\(getpid())").path
    try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(atPath: folder) }
    try await body(folder)
  }

  /// Seconds since 1970 of Wireshark's "Nov 29, 2026 21:36:42.725221861 UTC".
  private func seconds(_ text: String?) -> Double? {
    let format = DateFormatter()
    format.locale = Locale(identifier: "en_US_POSIX")
    format.timeZone = TimeZone(identifier: "UTC")
    format.dateFormat = "MMM d, yyyy HH:mm:ss"
    return text.flatMap { format.date(from: String($0.prefix { $0 != "." })) }?.timeIntervalSince1970
  }

  @Test("probes and answers are TWAMP-Test packets, with the times, counts and TTL that they should have")
  func probes() async throws {
    try await ProbeOffice.withTwo { one, two in
      #expect(try await one.become(.up, .up))
      try await withFolder { folder in
        let (wire, capture) = (folder + "/wire.pcap", folder + "/twamp.pcap")
        try await OtherPrograms.capture(
          60, "udp port \(ProbeOffice.port)", on: "one", in: two.space, to: wire)
        let script = URL(filePath: #filePath).deletingLastPathComponent().appending(path: "twamp_control.py")
        _ = try await OtherPrograms.run(
          in: two.space, [OtherPrograms.python, script.path, wire, capture, "\(ProbeOffice.port)"])
        let test = "twamp.test."
        let rows = try await OtherPrograms.fields(
          of: capture,
          [
            "ip.src", "udp.dstport", "ip.dsfield.dscp", "ip.ttl", "frame.time_epoch", test + "seq_number",
            test + "timestamp", test + "receive_timestamp", test + "sender_seq_number",
            test + "sender_timestamp", test + "sender_ttl", test + "error_estimate.z",
          ], in: two.space
        ).filter { $0[test + "seq_number"]?.isEmpty == false }
        let sent = rows.filter { $0["udp.dstport"] == "\(ProbeOffice.port)" }
        let answers = rows.filter { $0["udp.dstport"] != "\(ProbeOffice.port)" }
        try #require(sent.count >= 10 && answers.count >= 10, "\(rows)")
        let numbers = sent.compactMap { $0[test + "seq_number"].flatMap(Int.init) }
        #expect(numbers == Array((numbers.first ?? 0)..<(numbers.first ?? 0) + sent.count))
        for row in rows {
          #expect(row["_ws.malformed"] == "" && row["ip.dsfield.dscp"] == "46" && row["ip.ttl"] == "255")
          #expect(row[test + "error_estimate.z"]?.contains("1") == false, "NTP's format, of both estimates")
          let now = try #require(row["frame.time_epoch"].flatMap(Double.init))
          let time = try #require(seconds(row[test + "timestamp"]))
          #expect(abs(now - time) < 2, "\(row)")
        }
        for answer in answers {
          let number = answer[test + "sender_seq_number"]
          guard let probe = sent.first(where: { $0[test + "seq_number"] == number }) else { continue }
          #expect(answer[test + "sender_timestamp"] == probe[test + "timestamp"])
          #expect(answer[test + "sender_ttl"] == "255")
          let (came, probed) = (
            seconds(answer[test + "receive_timestamp"]), seconds(probe[test + "timestamp"])
          )
          #expect(came.map { (0...2).contains($0 - (probed ?? 0)) } == true)
        }
      }
    }
  }

  @Test("what asks Asterisk is a POKE of IAX2")
  func poke() async throws {
    try await ProbeOffice.withTwo(probing: 0) { one, two in
      let site = try #require(SiteName("other"))
      let target = try #require(
        ProbeTarget(
          site: site, path: .wireguard, interface: "one", peer: two.address, local: one.address, iaxPort: 4569
        ))
      try await withThrowingTaskGroup { group in
        group.addTask { try await one.probes.run() }
        defer { group.cancelAll() }
        await one.probes.watch([target])
        try await withFolder { folder in
          let file = folder + "/iax.pcap"
          try await OtherPrograms.capture(2, "udp port 4569", on: "one", in: two.space, to: file)
          let rows = try await OtherPrograms.fields(
            of: file, ["ip.src", "iax2.packet_type", "iax2.type", "iax2.iax.subclass", "iax2.dst_call"],
            in: two.space)
          for row in rows {
            #expect(row["ip.src"] == "\(one.address)" && row["_ws.malformed"] == "")
            #expect(row["iax2.packet_type"] == "1" && row["iax2.type"] == "6", "a full frame of IAX control")
            #expect(row["iax2.iax.subclass"] == "30", "POKE (RFC 5456 §8.4)")
          }
          #expect(rows.count == 2)
        }
      }
    }
  }
}
