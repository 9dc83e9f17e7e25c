// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: pbxlink contributors

import Foundation
import PBXLinkCore
import Testing

@testable import PBXLinkSystem

@Suite("Exchange with an agent of a former version")
struct FormerAgentTests {
  /// A request as such an agent has sent it.
  private func recorded(_ name: String) throws -> [UInt8] {
    let body = try FormerState.text("\(name).json").trimmingCharacters(in: .newlines)
    let head =
      "POST /v1/\(name) HTTP/1.1\r\ncontent-type: application/json\r\nhost: 10.77.125.163:4570\r\n"
      + "content-length: \(body.utf8.count)\r\n\r\n"
    return Array((head + body).utf8)
  }

  /// What such an agent reads in an answer; it leaves aside what it does not know.
  private struct FormerSyncAnswer: Decodable {
    struct Digest: Decodable {
      let memberships: [String: String]
      let descriptors: [String: String]
      let revocations: [String]
    }
    let digest: Digest
    let documents: [String]
  }

  @Test("its requests are answered in a form that it reads")
  func requests() async throws {
    let directory = try ExchangeStub.formerDirectory()
    try await ExchangeStub.serve(directory) { stub, port in
      func ask(_ name: String) async throws -> (status: Int, body: Data) {
        let stream = try SharedPortStream(to: port)
        #expect(await stream.send(try recorded(name)))
        return await stream.receiveAnswer()
      }
      let sync = try await ask("sync")
      #expect(sync.status == 200)
      let answer = try JSONDecoder().decode(FormerSyncAnswer.self, from: sync.body)
      #expect(Set(answer.documents) == Set(directory.allDocuments()), "it is of another mesh")
      #expect(answer.digest.memberships.keys.sorted() == ["lyon", "nice", "paris"])
      #expect(answer.digest.descriptors.count == 2 && answer.digest.revocations.count == 1)
      #expect(try await ask("documents").status == 200)
      let push = try #require(await stub.pushed.first)
      #expect(push.documents.count == 4 && push.errand == nil)
      #expect(try await ask("join").status == 200)
      #expect(await stub.joins.count == 1)
    }
  }

  @Test("that it answers 404 to what it does not know is told apart from a failure")
  func answers() async throws {
    let directory = try ExchangeStub.formerDirectory()
    let exchange = try ScriptedExchange { path, stream in
      switch path {
      case "/v1/sync":
        let text = try? FormerState.text("sync.json").trimmingCharacters(in: .newlines)
        await stream.send(status: "200 OK", json: (text ?? "").dropLast() + #","documents":[]}"#)
      case "/v1/documents": await stream.send(status: "200 OK", json: #"{"refused":[],"accepted":1}"#)
      default:
        await stream.send(
          status: "404 Not Found", json: #"{"error":"HTTPError: 404 Not Found","exit_code":64}"#)
      }
    }
    let client = try exchange.client()
    let receipt = Receipt(revocations: [], descriptor: nil)
    #expect(
      try await client.compare(CompareRequest(hash: directory.summary.hash, receipt: receipt, time: nil))
        == nil)
    #expect(try await client.offer(["a", "b"]) == ["a", "b"])
    let sync = try await client.sync(SyncRequest(digest: directory.digest(), receipt: receipt))
    #expect(sync.documents == [] && sync.receipt == nil && sync.time == nil)
    #expect(!directory.documents(missingFrom: sync.digest).isEmpty)
    #expect(try await client.push(["document"]).accepted == 1)
    let error = await #expect(throws: ExchangeError.self) { try await client.send(receipt) }
    #expect(error?.isUnknownRequest == true && error?.isAnswer == true)
  }
}
