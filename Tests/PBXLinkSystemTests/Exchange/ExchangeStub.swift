// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: pbxlink contributors

import Foundation
import Logging
import PBXLinkCore
import Testing

@testable import PBXLinkSystem

/// An exchange on loopback over the documents of one directory, for whoever asks.
actor ExchangeStub: ExchangeDelegate {
  let directory: Directory
  private(set) var pushed: [DocumentsPush] = []
  private(set) var joins: [JoinRequest] = []
  private(set) var cutOff = 0

  init(_ directory: Directory) { self.directory = directory }

  func exchangeCutOff(_ address: IPAddress) { cutOff += 1 }
  func exchangeAdmit(bytes: Int, from address: IPAddress) throws {}
  func exchangeCompare(_ request: CompareRequest, from address: IPAddress) throws -> CompareAnswer {
    CompareAnswer(
      summary: directory.summary.hash == request.hash ? nil : directory.summary, receipt: nil, time: nil)
  }
  func exchangeOffer(_ request: OfferRequest, from address: IPAddress) throws -> OfferAnswer {
    OfferAnswer(wanted: request.hashes)
  }
  func exchangeSync(_ request: SyncRequest, from address: IPAddress) throws -> SyncAnswer {
    SyncAnswer(
      digest: directory.digest(of: request.buckets),
      documents: directory.documents(missingFrom: request.digest, in: request.buckets),
      receipt: Receipt(revocations: [], descriptor: nil), time: Timestamp(seconds: 1_800_000_000))
  }
  func exchangeDocuments(_ push: DocumentsPush, from address: IPAddress) throws -> DocumentsAnswer {
    pushed.append(push)
    return DocumentsAnswer(accepted: push.documents.count, refused: [])
  }
  func exchangeReceipt(_ receipt: Receipt, from address: IPAddress) throws -> ReceiptAnswer {
    ReceiptAnswer()
  }
  func exchangeHandover(_ request: HandoverRequest, from address: IPAddress) throws -> HandoverAnswer {
    HandoverAnswer(wait: nil)
  }
  func exchangeEndpoints(_ request: EndpointsRequest, from address: IPAddress) throws -> EndpointsAnswer {
    EndpointsAnswer(endpoints: [:])
  }
  func exchangeRelay(_ request: RelayRequest, from address: IPAddress) async throws -> RelayAnswer {
    RelayAnswer(notes: [:])
  }
  func exchangeDirect(_ request: DirectRequest, from address: IPAddress) async throws -> DirectAnswer {
    DirectAnswer(wait: nil)
  }
  func exchangeRelayed(_ request: RelayedRequest, from address: IPAddress) async throws -> DirectAnswer {
    DirectAnswer(wait: nil)
  }
  func exchangeLinks(_ request: LinksRequest, from address: IPAddress) throws -> LinksAnswer {
    LinksAnswer(row: LinkRow(links: [:]))
  }
  func exchangeJoin(_ request: JoinRequest, from address: IPAddress) throws -> JoinAnswer {
    joins.append(request)
    return try JSONDecoder().decode(JoinAnswer.self, from: Data(#"{"membership":"m","documents":[]}"#.utf8))
  }

  /// Serves while the body runs, on a port that was free a moment ago.
  static func serve(
    _ directory: Directory, lifetime: Int64 = ConnectionLimits.lifetime,
    _ body: @Sendable (ExchangeStub, UInt16) async throws -> Void
  ) async throws {
    let stub = ExchangeStub(directory)
    let port = try SharedPortListener().port
    var server = ExchangeServer(
      address: try #require(IPAddress("127.0.0.1")), port: port, delegate: stub, logger: Logger(label: "test")
    )
    server.lifetime = lifetime
    let running = Task { [server] in try await server.run() }
    defer { running.cancel() }
    try #require(try await eventually { (try? SharedPortStream(to: port)) != nil })
    try await body(stub, port)
  }

  /// The directory of the state that a former version has left.
  static func formerDirectory() throws -> Directory {
    let former = try FormerState()
    defer { former.remove() }
    let mesh: Mesh = try #require(try StoredSite.load(former.state + "/state.sqlite").meta(.mesh))
    var directory = Directory(mesh: mesh.identity)
    for document in try former.documents() { _ = try directory.merge(document, using: OpenSSLCryptography()) }
    return directory
  }
}

/// A peer's exchange that answers each connection with given bytes, whatever is asked.
final class ScriptedExchange: Sendable {
  private let listener: SharedPortListener
  private let task: Task<Void, Never>

  /// - Parameter answer: the path that is asked, and how to send.
  init(_ answer: @escaping @Sendable (String, SharedPortStream) async -> Void) throws {
    let listener = try SharedPortListener()
    self.listener = listener
    task = Task {
      await withDiscardingTaskGroup { group in
        while !Task.isCancelled {
          guard let stream = try? await listener.accept() else { continue }
          group.addTask {
            let head = await stream.receiveHead()
            await answer(head.split(separator: " ").dropFirst().first.map(String.init) ?? "", stream)
          }
        }
      }
    }
  }

  deinit { task.cancel() }

  func client(timeout: Int64 = 15) throws -> ExchangeClient {
    ExchangeClient(
      address: try #require(IPAddress("127.0.0.1")), port: listener.port, name: "lyon", timeout: timeout)
  }
}

extension SharedPortStream {
  /// An HTTP request with its body, or an answer: as far as its content-length says.
  func receiveHead() async -> String {
    var text = ""
    while !text.hasSuffix("\r\n\r\n") {
      let byte = await receive(1)
      guard !byte.isEmpty else { return text }
      text += String(decoding: byte, as: UTF8.self)
    }
    return text
  }

  /// The status and the body of an HTTP answer.
  func receiveAnswer() async -> (status: Int, body: Data) {
    let head = await receiveHead()
    let length = head.lowercased().split(separator: "\r\n").first { $0.hasPrefix("content-length:") }
      .flatMap { Int($0.dropFirst(15).trimmingCharacters(in: .whitespaces)) }
    let status = head.split(separator: " ").dropFirst().first.flatMap { Int($0) }
    return (status ?? 0, Data(await receive(length ?? 0)))
  }

  func send(status: String, json: String) async {
    let head =
      "HTTP/1.1 \(status)\r\ncontent-type: application/json\r\ncontent-length: \(json.utf8.count)\r\n\r\n"
    _ = await send(Array((head + json).utf8))
  }
}
