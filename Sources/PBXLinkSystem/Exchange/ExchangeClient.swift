// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: pbxlink contributors

internal import AsyncHTTPClient
internal import FoundationEssentials
internal import NIOCore
internal import NIOHTTP1
internal import PBXLinkCore

/// A request of the exchange that was refused or did not get through.
struct ExchangeError: Error, CustomStringConvertible {
  let peer: String
  let reason: String
  /// Whether the peer answered, so that asking again would not help.
  let isAnswer: Bool
  /// Whether the peer's agent is too old to know what was asked.
  var isUnknownRequest = false

  var description: String { "exchange with \(peer): \(reason)" }
}

/// Talks to the exchange of a peer at its tunnel address.
struct ExchangeClient: Sendable {
  let address: IPAddress
  let port: UInt16
  let name: String
  /// Seconds that a request may take with its answer; a tunnel needs up to 5 s for a lost handshake packet.
  var timeout: Int64 = 15

  func sync(_ request: SyncRequest) async throws -> SyncAnswer { try await post(ExchangePath.sync, request) }

  func send(_ receipt: Receipt) async throws {
    let _: ReceiptAnswer = try await post(ExchangePath.receipt, receipt)
  }

  func endpoints(of sites: [SiteName]) async throws -> EndpointsAnswer {
    try await post(ExchangePath.endpoints, EndpointsRequest(sites: sites))
  }

  func handOver(_ request: HandoverRequest) async throws -> HandoverAnswer {
    try await post(ExchangePath.handover, request)
  }

  func relay(_ request: RelayRequest) async throws -> RelayAnswer {
    try await post(ExchangePath.relay, request)
  }

  func goDirect() async throws -> DirectAnswer { try await post(ExchangePath.direct, DirectRequest()) }

  /// Whether the peer goes by a relay too; an older agent does when it hears of our choice at the relay.
  func goByRelay(_ relay: SiteName) async throws -> DirectAnswer {
    do {
      return try await post(ExchangePath.relayed, RelayedRequest(relay: relay))
    } catch let error as ExchangeError where error.isUnknownRequest {
      return DirectAnswer(wait: nil)
    }
  }

  /// What the peer has in brief; nil from an older agent.
  func compare(_ request: CompareRequest) async throws -> CompareAnswer? {
    do {
      return try await post(ExchangePath.compare, request)
    } catch let error as ExchangeError where error.isUnknownRequest {
      return nil
    }
  }

  func push(_ documents: [String], errand: Errand? = nil) async throws -> DocumentsAnswer {
    try await post(ExchangePath.documents, DocumentsPush(documents: documents, errand: errand))
  }

  /// Which of these the peer lacks; all of them when its agent is too old to say.
  func offer(_ hashes: [String]) async throws -> [String] {
    do {
      let answer: OfferAnswer = try await post(ExchangePath.offer, OfferRequest(hashes: hashes))
      return answer.wanted
    } catch let error as ExchangeError where error.isUnknownRequest {
      return hashes
    }
  }

  func links() async throws -> LinksAnswer { try await post(ExchangePath.links, LinksRequest()) }

  func join(_ request: JoinRequest) async throws -> JoinAnswer {
    try await post(ExchangePath.join, request)
  }

  /// A client of its own for each request: a pooled connection, or one that is still being opened, would outlive
  /// a change of our tunnel address, as in a join, and keep later requests waiting.
  private func post<Answer: Decodable & Sendable>(_ path: String, _ body: some Encodable) async throws
    -> Answer
  {
    var request = HTTPClientRequest(url: "http://\(Endpoint(address, port: port))\(path)")
    request.method = .POST
    request.headers.add(name: "content-type", value: "application/json")
    request.body = .bytes(ByteBuffer(bytes: try JSONEncoder().encode(body)))
    let limits = HTTPClient.Configuration(timeout: .init(connect: .seconds(timeout)))
    let client = HTTPClient(eventLoopGroupProvider: .singleton, configuration: limits)
    let result: Result<Answer, ExchangeError>
    do {
      let (request, timeout) = (request, timeout)
      // The client's own deadline ends with the head of the answer.
      let late = ExchangeError(peer: name, reason: "no answer in \(timeout) s", isAnswer: false)
      result = .success(
        try await withTimeLimit(.seconds(timeout), late: late) { try await answer(to: request, by: client) })
    } catch let error as ExchangeError {
      result = .failure(error)
    } catch let error as DecodingError {
      result = .failure(error: "the answer is not understood: \(error)", isAnswer: true, of: name)
    } catch {
      result = .failure(error: "\(error)", isAnswer: false, of: name)
    }
    try await client.shutdown()
    return try result.get()
  }

  private func answer<Answer: Decodable & Sendable>(
    to request: HTTPClientRequest, by client: HTTPClient
  ) async throws -> Answer {
    let response = try await client.execute(request, timeout: .seconds(timeout))
    let data = Data((try await response.body.collect(upTo: exchangeBodyLimit)).readableBytesView)
    guard response.status == .ok else {
      let error = try? JSONDecoder().decode(ErrorAnswer.self, from: data)
      throw ExchangeError(
        peer: name, reason: error?.error ?? "HTTP status \(response.status.code)", isAnswer: true,
        isUnknownRequest: response.status == .notFound)
    }
    return try JSONDecoder().decode(Answer.self, from: data)
  }
}

extension Result where Failure == ExchangeError {
  fileprivate static func failure(error reason: String, isAnswer: Bool, of peer: String) -> Self {
    .failure(ExchangeError(peer: peer, reason: reason, isAnswer: isAnswer))
  }
}
