// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: pbxlink contributors

internal import Hummingbird
internal import Logging
internal import NIOCore
internal import PBXLinkCore

/// What monitoring may know.
protocol MonitoringSource: Sendable {
  /// As they are sent.
  func metrics(_ format: MetricsFormat) async throws -> [UInt8]
  func lastStatus() async throws -> StatusSnapshot
  func page() async throws -> StatusPage
  /// What has to be so before this server does its work.
  var readiness: [(check: String, isMet: Bool)] { get async }
}

/// Serves what monitoring and people read over HTTP, and nothing that changes anything. Whoever may connect reads all of it unless
/// there is a token, which goes in clear text: over other networks put TLS before it, or read it through the tunnel.
struct MonitoringServer: Sendable {
  let endpoint: Endpoint
  let source: any MonitoringSource
  let logger: Logger
  private let token: [UInt8]?

  private static let tokenLengths = 16...1024

  /// - Parameter tokenFile: the file with the token that readers must show. Throws when there is none and the address is
  ///   not a loopback one, or when it holds no token.
  init(
    _ endpoint: Endpoint, _ tokenFile: String?, source: any MonitoringSource, logger: Logger
  ) throws {
    (self.endpoint, self.source, self.logger) = (endpoint, source, logger)
    guard let tokenFile else {
      guard endpoint.address?.isLoopback == true else {
        throw Failure("others could read it; set 'monitoring: token_file:'", .configuration)
      }
      token = nil
      return
    }
    let text = String(decoding: try PrivateFile.read(tokenFile, limit: 1 << 20), as: UTF8.self)
    let bytes = Array(text.utf8.filter { !($0 == 0x20 || (0x09...0x0d).contains($0)) })
    guard Self.tokenLengths.contains(bytes.count), bytes.allSatisfy({ (0x21...0x7e).contains($0) }) else {
      throw Failure(
        "\(tokenFile) holds no token: write 16 or more letters and digits into it, such as those of "
          + "'openssl rand -hex 32'", .configuration)
    }
    token = bytes
  }

  /// Serves until cancelled; throws when the address cannot be bound.
  func run() async throws {
    let source = source
    let router = Router(context: ControlContext.self)
    router.add(middleware: ErrorAnswers())
    // Whether we live is no secret.
    router.get("livez") { _, _ in
      _ = await source.readiness
      return "ok\n"
    }
    router.get("readyz") { _, _ in
      let checks = await source.readiness
      let lines = checks.map { "[\($0.isMet ? "+" : "-")] \($0.check)\n" }.joined()
      return Response(
        status: checks.allSatisfy(\.isMet) ? .ok : .serviceUnavailable,
        headers: [.contentType: "text/plain; charset=utf-8"],
        body: .init(byteBuffer: ByteBuffer(string: lines)))
    }
    let guarded = router.group().add(middleware: MonitoringAccess(token: token))
    guarded.get("/") { request, _ in
      if request.uri.queryParameters["part"] == "main" {
        return try PageReply(try await source.page().main).response
      }
      do {
        return try PageReply(try await source.page().document).response
      } catch {
        // People read this: such as that the server is in no mesh yet.
        let failure = Failure(error)
        return try PageReply(StatusPage.problem(failure.message), status: failure.status).response
      }
    }
    guarded.get("metrics") { request, _ in
      let format = MetricsFormat(accept: request.headers[.accept])
      let bytes = try await source.metrics(format)
      return Response(
        status: .ok, headers: [.contentType: format.contentType, .vary: "Accept"],
        body: .init(byteBuffer: ByteBuffer(bytes: bytes)))
    }
    guarded.get("status.json") { _, _ in JSONReply(try await source.lastStatus()) }
    var quiet = logger
    quiet.logLevel = .error
    let limits = ConnectionLimits(lifetime: Self.lifetime, limit: Self.connections) { _ in }
    let application = Application(
      router: router,
      server: .http1(
        configuration: .init(
          additionalChannelHandlers: [limits.handler()], idleTimeout: .seconds(ConnectionLimits.idleTime))),
      configuration: .init(
        address: .hostname(endpoint.address?.description ?? "", port: Int(endpoint.port)),
        serverName: "pbxlink"),
      logger: quiet)
    try await application.serve()
  }

  /// Connections of one address at a time: a proxy may ask for many.
  private static let connections = 256
  /// Seconds that a connection may last: scrapers keep theirs from one scrape to the next.
  private static let lifetime: Int64 = 3600
}
