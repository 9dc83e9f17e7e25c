// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: pbxlink contributors

import Foundation
import PBXLinkCore
import Testing

@testable import PBXLinkSystem

/// Against scapy's STAMP, which shares no line with ours.
@Suite(
  "STAMP with others",
  .enabled(if: NetworkNamespace.obstacle == nil, Comment(rawValue: NetworkNamespace.obstacle ?? "")))
struct STAMPInteroperationTests {
  private static let script = URL(filePath: #filePath).deletingLastPathComponent().appending(
    path: "stamp_peer.py"
  ).path

  private struct Answer: Decodable, Equatable {
    let length: Int
    let sequence: Int
    let sender_sequence: Int
    let sender_ttl: Int
    let tlvs: [[TLVPart]]
    let is_now: Bool
    let sender_timestamp: Bool
  }

  private enum TLVPart: Decodable, Equatable, ExpressibleByIntegerLiteral, ExpressibleByStringLiteral {
    case number(Int)
    case text(String)

    init(integerLiteral value: Int) { self = .number(value) }
    init(stringLiteral value: String) { self = .text(value) }
    init(from decoder: any Decoder) throws {
      let container = try decoder.singleValueContainer()
      self = try (try? container.decode(Int.self)).map(Self.number) ?? .text(container.decode(String.self))
    }
  }

  private func lines<Line: Decodable>(_ output: String, of type: Line.Type) throws -> [Line] {
    try output.split(separator: "\n").filter { $0.hasPrefix("{") }.map {
      try JSONDecoder().decode(type, from: Data($0.utf8))
    }
  }

  @Test("our reflector answers packets of scapy's, long ones with TLVs and the short ones of TWAMP")
  func reflector() async throws {
    try await ProbeOffice.withTwo { one, two in
      #expect(try await one.become(.up, .up))
      let output = try await two.space.exec(
        OtherPrograms.python, Self.script, "send", "one", "\(two.address)", "\(one.address)",
        "\(ProbeOffice.port)")
      let answers = try lines(output, of: Answer.self)
      #expect(answers.map(\.sequence) == [0, 1, 2], "its own count")
      #expect(answers.map(\.sender_sequence) == [7, 8, 9] && answers.allSatisfy { $0.sender_ttl == 200 })
      #expect(answers.allSatisfy { $0.is_now && $0.sender_timestamp })
      #expect(answers.map(\.length) == [44, 44, 44 + 12 + 8 + 16])
      #expect(answers.dropLast().allSatisfy { $0.tlvs.isEmpty })
      #expect(
        answers.last?.tlvs == [
          [0, 1, "0000000000000000"], [0x80, 200, "61626364"], [0, 5, "000000030000000300000003"],
        ])
    }
  }

  private struct Packet: Decodable {
    let length: Int
    let sequence: Int
    let tlvs: [[TLVPart]]
    let is_now: Bool
    let error: [Int]
  }

  @Test(
    "our probes are read by scapy, and one that answers without RFC 8972 shows the loss of both ways together"
  )
  func sender() async throws {
    try await ProbeOffice.withTwo(probing: 1) { one, two in
      // Of the probes that arrive each fifth is lost.
      try await two.nft(
        "add table inet loss", "add chain inet loss input { type filter hook input priority 0; }",
        "add rule inet loss input iifname one udp dport 4571 numgen inc mod 5 == 4 drop")
      let output = try await two.space.exec(
        OtherPrograms.python, Self.script, "reflect", "one", "\(two.address)", "\(ProbeOffice.port)", "80")
      let packets = try lines(output, of: Packet.self)
      #expect(
        packets.count == 80 && packets.allSatisfy { $0.length == 92 && $0.is_now && $0.error == [0, 0] })
      for packet in packets {
        let count = String(packet.sequence + 1, radix: 16)
        let sent = String(repeating: "0", count: 8 - count.count) + count
        try #require(packet.tlvs.count == 2)
        #expect(packet.tlvs[0] == [0x80, 5, .text(sent + "0000000000000000")])
        // BFD version 1, down, multiplier 5, 24 octets; without an answer of its kind the session stays down.
        #expect(packet.tlvs[1].prefix(2) == [0x80, 250])
        #expect("\(packet.tlvs[1][2])".contains("504c424620400518"))
      }
      let figures = try #require(await one.probes.figures.values.first?[.wireguard])
      #expect(figures.transmit.lossRatio == nil && figures.receive.lossRatio == nil)
      #expect(figures.roundTripLossRatio.map { abs($0 - 0.2) < 0.02 } == true, "\(figures)")
      #expect(figures.answers >= 79 && figures.duplicates == 0)
    }
  }
}
