// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: pbxlink contributors

import Foundation
import PBXLinkCore
import Testing

@testable import PBXLinkSystem

@Suite("Exchange with a slow or hostile member")
struct SlowExchangeTests {
  @Test("an answer that drips in is given up, and another site is talked to meanwhile")
  func drippingAnswer() async throws {
    let (dripped, drops) = AsyncStream.makeStream(of: Void.self)
    let slow = try ScriptedExchange { _, stream in
      let head = "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 1000000\r\n\r\n{"
      guard await stream.send(Array(head.utf8)) else { return }
      drops.yield()
      while await stream.send([0x20]) { try? await Task.sleep(for: .milliseconds(20)) }
      drops.finish()
    }
    let directory = try ExchangeStub.formerDirectory()
    let client = try slow.client(timeout: 2)
    let refused = Task { try await client.sync(SyncRequest(digest: directory.digest())) }
    var drop = dripped.makeAsyncIterator()
    await drop.next()
    try await ExchangeStub.serve(directory) { _, port in
      let honest = ExchangeClient(
        address: try #require(IPAddress("127.0.0.1")), port: port, name: "nice", timeout: 15)
      #expect(try await honest.sync(SyncRequest(digest: directory.digest())).documents.isEmpty)
    }
    let error = await #expect(throws: ExchangeError.self) { try await refused.value }
    #expect(error?.reason == "no answer in 2 s")
    #expect(await drop.next() == nil, "the connection is closed")
  }

  @Test("a request that drips in is cut off and counted, and others are answered meanwhile")
  func drippingRequest() async throws {
    let directory = try ExchangeStub.formerDirectory()
    try await ExchangeStub.serve(directory, lifetime: 2) { stub, port in
      let slow = try SharedPortStream(to: port)
      let head = "POST /v1/sync HTTP/1.1\r\nhost: paris\r\ncontent-length: 1000000\r\n\r\n"
      #expect(await slow.send(Array(head.utf8)))
      let honest = ExchangeClient(
        address: try #require(IPAddress("127.0.0.1")), port: port, name: "paris", timeout: 15)
      #expect(try await honest.sync(SyncRequest(digest: directory.digest())).documents.isEmpty)
      while await slow.send([0x20]) { try await Task.sleep(for: .milliseconds(20)) }
      #expect(await stub.cutOff == 1)
    }
  }

  @Test("one address has so many connections at a time, and another address its own")
  func connections() async throws {
    try await ExchangeStub.serve(try ExchangeStub.formerDirectory()) { stub, port in
      let request = Array(
        "POST /v1/receipt HTTP/1.1\r\nhost: paris\r\ncontent-length: 18\r\n\r\n{\"revocations\":[]".utf8)
      var streams: [SharedPortStream] = []
      for _ in 0..<ConnectionLimits.connections {
        let stream = try SharedPortStream(to: port, from: 2)
        #expect(await stream.send(request))
        streams.append(stream)
      }
      // The server has them when it answers the last one.
      for stream in streams.suffix(1) {
        #expect(await stream.send([0x7d]))
        #expect(await stream.receiveAnswer().status == 200)
      }
      let excess = try SharedPortStream(to: port, from: 2)
      #expect(await excess.receiveAll().bytes.isEmpty)
      while await stub.cutOff == 0 { await Task.yield() }
      let other = try SharedPortStream(to: port, from: 3)
      #expect(await other.send(request + [0x7d]))
      #expect(await other.receiveAnswer().status == 200)
    }
  }
}
