// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: pbxlink contributors

internal import Hummingbird
internal import Logging
internal import NIOCore
internal import PBXLinkCore

/// Whom the exchange server asks. The source address is the sender: the tunnel proves it.
protocol ExchangeDelegate: Sendable {
  /// A connection was closed because it was too slow, or one too many.
  func exchangeCutOff(_ address: IPAddress) async
  /// Throws when the sender has sent too many bytes lately.
  func exchangeAdmit(bytes: Int, from address: IPAddress) async throws
  func exchangeCompare(_ request: CompareRequest, from address: IPAddress) async throws -> CompareAnswer
  func exchangeOffer(_ request: OfferRequest, from address: IPAddress) async throws -> OfferAnswer
  func exchangeSync(_ request: SyncRequest, from address: IPAddress) async throws -> SyncAnswer
  func exchangeDocuments(_ push: DocumentsPush, from address: IPAddress) async throws -> DocumentsAnswer
  func exchangeReceipt(_ receipt: Receipt, from address: IPAddress) async throws -> ReceiptAnswer
  func exchangeHandover(_ request: HandoverRequest, from address: IPAddress) async throws -> HandoverAnswer
  func exchangeEndpoints(_ request: EndpointsRequest, from address: IPAddress) async throws -> EndpointsAnswer
  func exchangeRelay(_ request: RelayRequest, from address: IPAddress) async throws -> RelayAnswer
  func exchangeDirect(_ request: DirectRequest, from address: IPAddress) async throws -> DirectAnswer
  func exchangeRelayed(_ request: RelayedRequest, from address: IPAddress) async throws -> DirectAnswer
  func exchangeLinks(_ request: LinksRequest, from address: IPAddress) async throws -> LinksAnswer
  func exchangeJoin(_ request: JoinRequest, from address: IPAddress) async throws -> JoinAnswer
}

/// Serves the exchange on our tunnel address only.
struct ExchangeServer: Sendable {
  let address: IPAddress
  let port: UInt16
  let delegate: any ExchangeDelegate
  let logger: Logger
  /// Seconds that a connection may last.
  var lifetime = ConnectionLimits.lifetime

  /// Serves until cancelled; throws when the address cannot be bound.
  func run() async throws {
    let delegate = delegate
    let router = Router(context: ExchangeContext.self)
    router.add(middleware: ErrorAnswers())
    /// Measures a request before it is read, then has it answered.
    func serve<Body: Decodable & SendableMetatype, Answer: Encodable & Sendable>(
      _ path: String, _ answer: @escaping @Sendable (Body, IPAddress) async throws -> Answer
    ) {
      router.post(RouterPath(path)) { request, context in
        let address = try context.peerAddress()
        let size = request.headers[.contentLength].flatMap { Int($0) } ?? exchangeBodyLimit
        try await delegate.exchangeAdmit(bytes: max(size, 0), from: address)
        return JSONReply(try await answer(request.decode(as: Body.self, context: context), address))
      }
    }
    serve(ExchangePath.compare) { try await delegate.exchangeCompare($0, from: $1) }
    serve(ExchangePath.sync) { try await delegate.exchangeSync($0, from: $1) }
    serve(ExchangePath.offer) { try await delegate.exchangeOffer($0, from: $1) }
    serve(ExchangePath.documents) { try await delegate.exchangeDocuments($0, from: $1) }
    serve(ExchangePath.receipt) { try await delegate.exchangeReceipt($0, from: $1) }
    serve(ExchangePath.handover) { try await delegate.exchangeHandover($0, from: $1) }
    serve(ExchangePath.endpoints) { try await delegate.exchangeEndpoints($0, from: $1) }
    serve(ExchangePath.relay) { try await delegate.exchangeRelay($0, from: $1) }
    serve(ExchangePath.direct) { try await delegate.exchangeDirect($0, from: $1) }
    serve(ExchangePath.relayed) { try await delegate.exchangeRelayed($0, from: $1) }
    serve(ExchangePath.links) { try await delegate.exchangeLinks($0, from: $1) }
    serve(ExchangePath.join) { try await delegate.exchangeJoin($0, from: $1) }
    var quiet = logger
    quiet.logLevel = .error
    let limits = ConnectionLimits(lifetime: lifetime) { address in
      guard let address = IPAddress(address) else { return }
      Task { await delegate.exchangeCutOff(address) }
    }
    let application = Application(
      router: router,
      server: .http1(
        configuration: .init(
          additionalChannelHandlers: [limits.handler()], idleTimeout: .seconds(ConnectionLimits.idleTime))),
      configuration: .init(address: .hostname(address.description, port: Int(port)), serverName: "pbxlink"),
      logger: quiet)
    try await application.serve()
  }
}

/// A request with the address that it came from.
struct ExchangeContext: RequestContext {
  var coreContext: CoreRequestContextStorage
  let remoteAddress: SocketAddress?

  init(source: ApplicationRequestContextSource) {
    coreContext = .init(source: source)
    remoteAddress = source.channel.remoteAddress
  }

  var maxUploadSize: Int { exchangeBodyLimit }

  func peerAddress() throws -> IPAddress {
    guard let text = remoteAddress?.ipAddress, let address = IPAddress(text) else {
      throw HTTPError(.forbidden, message: "no source address")
    }
    return address
  }
}
