// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: pbxlink contributors

internal import Hummingbird
internal import Logging
internal import NIOCore
internal import PBXLinkCore

/// Whom the exchange server asks. The source address is the sender: the tunnel proves it.
protocol ExchangeDelegate: Sendable {
  func exchangeSync(_ request: SyncRequest, from address: IPAddress) async throws -> SyncAnswer
  func exchangeDocuments(_ push: DocumentsPush, from address: IPAddress) async throws -> DocumentsAnswer
  func exchangeReceipt(_ receipt: Receipt, from address: IPAddress) async throws -> ReceiptAnswer
  func exchangeHandover(_ request: HandoverRequest, from address: IPAddress) async throws -> HandoverAnswer
  func exchangeEndpoints(_ request: EndpointsRequest, from address: IPAddress) async throws -> EndpointsAnswer
  func exchangeJoin(_ request: JoinRequest, from address: IPAddress) async throws -> JoinAnswer
}

/// Serves the exchange on our tunnel address only.
struct ExchangeServer: Sendable {
  let address: IPAddress
  let port: UInt16
  let delegate: any ExchangeDelegate
  let logger: Logger

  /// Serves until cancelled; throws when the address cannot be bound.
  func run() async throws {
    let delegate = delegate
    let router = Router(context: ExchangeContext.self)
    router.add(middleware: ErrorAnswers())
    router.post(RouterPath(ExchangePath.sync)) { request, context in
      JSONReply(
        try await delegate.exchangeSync(
          request.decode(as: SyncRequest.self, context: context), from: context.peerAddress()))
    }
    router.post(RouterPath(ExchangePath.documents)) { request, context in
      JSONReply(
        try await delegate.exchangeDocuments(
          request.decode(as: DocumentsPush.self, context: context), from: context.peerAddress()))
    }
    router.post(RouterPath(ExchangePath.receipt)) { request, context in
      JSONReply(
        try await delegate.exchangeReceipt(
          request.decode(as: Receipt.self, context: context), from: context.peerAddress()))
    }
    router.post(RouterPath(ExchangePath.handover)) { request, context in
      JSONReply(
        try await delegate.exchangeHandover(
          request.decode(as: HandoverRequest.self, context: context), from: context.peerAddress()))
    }
    router.post(RouterPath(ExchangePath.endpoints)) { request, context in
      JSONReply(
        try await delegate.exchangeEndpoints(
          request.decode(as: EndpointsRequest.self, context: context), from: context.peerAddress()))
    }
    router.post(RouterPath(ExchangePath.join)) { request, context in
      JSONReply(
        try await delegate.exchangeJoin(
          request.decode(as: JoinRequest.self, context: context), from: context.peerAddress()))
    }
    var quiet = logger
    quiet.logLevel = .error
    let application = Application(
      router: router,
      configuration: .init(address: .hostname(address.description, port: Int(port)), serverName: "pbxlink"),
      logger: quiet)
    try await application.run()
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
