// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: pbxlink contributors

import PBXLinkCore
import Testing

@testable import PBXLinkSystem

@Suite("Shared TCP port of OpenVPN")
struct SharedPortTests {
  private let lyon = SharedPortLab.key(1)
  private let nice = SharedPortLab.key(2)

  @Test("two peers on one port reach each its own process, byte for byte in both directions")
  func peers() async throws {
    try await SharedPortLab.with { lab in
      let listeners = [try SharedPortListener(), try SharedPortListener()]
      try lab.process.install(
        zip([lyon, nice], listeners).map { SharedPortPeer(controlKey: $0, port: $1.port) })
      for (key, listener) in zip([lyon, nice], listeners) {
        let packet = try SharedPortLab.packet(key)
        let client = try SharedPortStream(to: lab.port)
        // In two pieces, as TCP may cut it anywhere.
        #expect(await client.send(Array(packet.prefix(20))))
        #expect(await client.send(packet.dropFirst(20) + [1, 2, 3]))
        let process = try await listener.accept()
        #expect(await process.receive(packet.count + 3) == packet + [1, 2, 3])
        #expect(await process.send([4, 5, 6]))
        #expect(await client.receive(3) == [4, 5, 6])
        #expect(await client.send([7]))
        #expect(await process.receive(1) == [7])
      }
    }
  }

  @Test("either end may close its direction first; the other one goes on, and nothing is cut off")
  func halfClose() async throws {
    let (there, back) = ([UInt8](repeating: 1, count: 3 << 20), [UInt8](repeating: 2, count: 3 << 20))
    for clientFirst in [true, false] {
      try await withConnection { client, process in
        let (first, second) = clientFirst ? (client, process) : (process, client)
        // More than all buffers on the way hold: the sender is held up until somebody reads.
        async let sent = first.send(there)
        let received = await second.receive(there.count)
        #expect(await sent)
        first.closeOutput()
        #expect(received == there)
        let rest = await second.receiveAll()
        #expect(rest.bytes.isEmpty && rest.end == .closed)
        async let answered = first.receiveAll()
        #expect(await second.send(back))
        second.closeOutput()
        let answer = await answered
        #expect(answer.bytes == back && answer.end == .closed)
      }
    }
  }

  @Test("an end that goes takes the other one along, after what it still has to get")
  func close() async throws {
    let bytes = [UInt8](repeating: 3, count: 1 << 20)
    try await SharedPortLab.with { lab in
      let listener = try SharedPortListener()
      try lab.process.install([SharedPortPeer(controlKey: lyon, port: listener.port)])
      var client: SharedPortStream? = try SharedPortStream(to: lab.port)
      let packet = try SharedPortLab.packet(lyon)
      #expect(await client?.send(packet) == true)
      let process = try await listener.accept()
      #expect(await process.receive(packet.count) == packet)
      async let received = process.receive(bytes.count)
      #expect(await client?.send(bytes) == true)
      client = nil
      #expect(await received == bytes)
      #expect(await process.receiveAll().end == .closed)
    }
  }

  @Test("a slow reader holds its sender up, and nobody else")
  func backPressure() async throws {
    try await SharedPortLab.with { lab in
      let (slow, quick) = (try SharedPortListener(), try SharedPortListener())
      try lab.process.install([
        SharedPortPeer(controlKey: lyon, port: slow.port), SharedPortPeer(controlKey: nice, port: quick.port),
      ])
      let (sender, other) = (try SharedPortStream(to: lab.port), try SharedPortStream(to: lab.port))
      #expect(await sender.send(try SharedPortLab.packet(lyon)))
      #expect(await other.send(try SharedPortLab.packet(nice)))
      let (reader, answerer) = (try await slow.accept(), try await quick.accept())
      // Far more than socket buffers take; were it buffered here instead, this would end at once.
      async let sent = sender.send([UInt8](repeating: 0, count: 64 << 20))
      for _ in 0..<100 {
        #expect(await other.send([1]))
        #expect(await answerer.send([2]))
        #expect(await other.receive(1) == [2])
      }
      #expect(await reader.receive(56 + (64 << 20)).count == 56 + (64 << 20))
      #expect(await sent)
    }
  }

  @Test(
    "whoever cannot show a peer's key is closed without a byte",
    arguments: [
      "wrong key", "empty", "half a packet", "HTTP", "TLS", "one bit off", "opcode off",
    ])
  func strangers(kind: String) async throws {
    try await SharedPortLab.with { lab in
      let listener = try SharedPortListener()
      try lab.process.install([SharedPortPeer(controlKey: lyon, port: listener.port)])
      var bytes = try SharedPortLab.packet(kind == "wrong key" ? nice : lyon)
      switch kind {
      case "empty": bytes = []
      case "half a packet": bytes = Array(bytes.prefix(30))
      case "HTTP": bytes = Array("GET / HTTP/1.1\r\nHost: example.com\r\n\r\n".utf8)
      case "TLS": bytes = [0x16, 3, 1, 2, 0, 1, 0, 1, 0xfc, 3, 3] + [UInt8](repeating: 7, count: 506)
      case "one bit off": bytes[40] ^= 1
      case "opcode off": bytes[2] = 0x40
      default: break
      }
      let client = try SharedPortStream(to: lab.port)
      _ = await client.send(bytes)
      if kind == "empty" || kind == "half a packet" { client.closeOutput() }
      let answer = await client.receiveAll()
      #expect(answer.bytes.isEmpty && answer.end != .silence)
    }
  }

  @Test("a connection that stays silent, or stops half-way, is closed after a while")
  func silence() async throws {
    try await SharedPortLab.with(patience: .milliseconds(300)) { lab in
      try lab.process.install([])
      let clients = [try SharedPortStream(to: lab.port), try SharedPortStream(to: lab.port)]
      #expect(await clients[1].send(Array(try SharedPortLab.packet(lyon).prefix(55))))
      for client in clients {
        let answer = await client.receiveAll()
        #expect(answer.bytes.isEmpty && answer.end == .closed)
      }
    }
  }

  @Test("silent strangers, however many and from wherever, do not keep a peer out")
  func slowStrangers() async throws {
    try await SharedPortLab.with { lab in
      let listener = try SharedPortListener()
      try lab.process.install([SharedPortPeer(controlKey: lyon, port: listener.port)])
      let strangers = try (2..<42).flatMap { host in
        try (0..<10).map { _ in try SharedPortStream(to: lab.port, from: host) }
      }
      let neighbours = try (0..<40).map { _ in try SharedPortStream(to: lab.port) }
      let client = try SharedPortStream(to: lab.port)
      let packet = try SharedPortLab.packet(lyon)
      #expect(await client.send(packet))
      #expect(try await listener.accept().receive(packet.count) == packet)
      // 400 + 41 came, and the oldest ones had to go.
      for oldest in [strangers[0], neighbours[0]] { #expect(await oldest.receiveAll().end != .silence) }
    }
  }

  @Test("any bytes at all leave it in order", arguments: 0..<5)
  func anything(seed: UInt64) async throws {
    var random = SplitMix64(seed: seed)
    try await SharedPortLab.with { lab in
      let listener = try SharedPortListener()
      try lab.process.install([SharedPortPeer(controlKey: lyon, port: listener.port)])
      let packet = try SharedPortLab.packet(lyon)
      for _ in 0..<100 {
        var bytes = packet
        for _ in 0..<Int.random(in: 1...4, using: &random) {
          bytes[Int.random(in: 0..<bytes.count, using: &random)] ^=
            1 << UInt8.random(in: 0..<8, using: &random)
        }
        if bytes == packet { continue }
        let client = try SharedPortStream(to: lab.port)
        _ = await client.send(bytes)
        client.closeOutput()
        #expect(await client.receiveAll().bytes.isEmpty)
      }
      let client = try SharedPortStream(to: lab.port)
      #expect(await client.send(packet))
      #expect(try await listener.accept().receive(packet.count) == packet)
    }
  }

  @Test("a change of the peers holds for the next connection, and leaves the ones that stand")
  func tableChange() async throws {
    try await SharedPortLab.with { lab in
      let (first, second) = (try SharedPortListener(), try SharedPortListener())
      func connect() async throws -> SharedPortStream {
        let client = try SharedPortStream(to: lab.port)
        _ = await client.send(try SharedPortLab.packet(lyon))
        return client
      }
      #expect(try await connect().receiveAll().end != .silence, "no table yet")
      try lab.process.install([SharedPortPeer(controlKey: lyon, port: first.port)])
      let standing = try await connect()
      let process = try await first.accept()
      try lab.process.install([SharedPortPeer(controlKey: lyon, port: second.port)])
      let next = try await connect()
      #expect(try await second.accept().receive(2) == [0, 54])
      try lab.process.install([])
      #expect(try await connect().receiveAll().end != .silence)
      #expect(await standing.send([9]))
      #expect(await process.receive(57).last == 9)
      withExtendedLifetime(next) {}
    }
  }

  @Test("a process that is being restarted is waited for")
  func restart() async throws {
    try await SharedPortLab.with { lab in
      let port = try SharedPortListener().port
      try lab.process.install([SharedPortPeer(controlKey: lyon, port: port)])
      let client = try SharedPortStream(to: lab.port)
      let packet = try SharedPortLab.packet(lyon)
      #expect(await client.send(packet))
      #expect(await client.receiveAll().end == .silence, "neither closed nor answered")
      #expect(try await SharedPortListener(port: port).accept().receive(packet.count) == packet)
    }
  }

  /// A client and the process that it has reached, with the first packet behind them.
  private func withConnection(_ body: (SharedPortStream, SharedPortStream) async throws -> Void) async throws
  {
    try await SharedPortLab.with { lab in
      let listener = try SharedPortListener()
      try lab.process.install([SharedPortPeer(controlKey: lyon, port: listener.port)])
      let client = try SharedPortStream(to: lab.port)
      let packet = try SharedPortLab.packet(lyon)
      #expect(await client.send(packet))
      let process = try await listener.accept()
      #expect(await process.receive(packet.count) == packet)
      try await body(client, process)
    }
  }
}
