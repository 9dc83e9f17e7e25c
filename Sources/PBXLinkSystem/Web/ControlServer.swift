// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: pbxlink contributors

internal import FoundationEssentials
internal import Glibc
internal import Hummingbird
internal import Logging
internal import NIOCore
internal import PBXLinkCore

/// Serves the control socket: root and the group 'pbxlink' may use it, by the socket's permissions.
struct ControlServer: Sendable {
  let socket: String
  let engine: Engine
  let logger: Logger

  /// Serves until cancelled.
  func run() async throws {
    let engine = engine
    let router = Router(context: ControlContext.self)
    router.add(middleware: ErrorAnswers())
    router.add(middleware: CommandJournal(engine: engine))
    router.get("/v1/status") { _, _ in JSONReply(try await engine.status()) }
    router.get("/v1/metrics") { _, _ in JSONReply(try await Control.MetricsAnswer(engine)) }
    router.get("/v1/sites") { _, _ in JSONReply(try await engine.sites()) }
    router.get("/v1/plan") { _, _ in JSONReply(try await engine.plan()) }
    router.get("/v1/why/:site") { _, context in
      JSONReply(try await engine.why(context.parameters.require("site")))
    }
    router.get("/v1/history/:site") { _, context in
      JSONReply(try await engine.history(of: context.parameters.require("site")))
    }
    router.get("/v1/calls") { request, context in
      JSONReply(try await engine.callReport(request.uri.decodeQuery(as: CallQuery.self, context: context)))
    }
    router.get("/v1/events") { request, context in
      JSONReply(try await engine.events(request.uri.decodeQuery(as: EventQuery.self, context: context)))
    }
    router.get("/v1/documents") { _, _ in JSONReply(try await engine.documents()) }
    router.post("/v1/init") {
      JSONReply(try await engine.found($0.decode(as: Control.FoundRequest.self, context: $1)))
    }
    router.post("/v1/sites") {
      JSONReply(try await engine.invite($0.decode(as: Control.InviteRequest.self, context: $1)))
    }
    router.post("/v1/join") {
      JSONReply(try await engine.join($0.decode(as: Control.JoinRequest.self, context: $1)))
    }
    router.post("/v1/request") {
      JSONReply(try await engine.makeRequest($0.decode(as: Control.RequestRequest.self, context: $1)))
    }
    router.post("/v1/enrol") {
      JSONReply(try await engine.enrol($0.decode(as: Control.EnrolRequest.self, context: $1)))
    }
    router.post("/v1/answer") {
      JSONReply(try await engine.join($0.decode(as: Control.AnswerRequest.self, context: $1)))
    }
    router.post("/v1/remove") {
      JSONReply(try await engine.remove($0.decode(as: Control.RemoveRequest.self, context: $1)))
    }
    router.get("/v1/revocations") { _, _ in JSONReply(try await engine.revocations()) }
    router.post("/v1/grant") {
      JSONReply(try await engine.grant($0.decode(as: Control.GrantRequest.self, context: $1)))
    }
    router.post("/v1/authority/recovery-key") { _, _ in JSONReply(try await engine.nameRecoveryKey()) }
    router.post("/v1/authority/recover") {
      JSONReply(try await engine.recover($0.decode(as: Control.RecoverRequest.self, context: $1)))
    }
    router.post("/v1/documents") {
      JSONReply(try await engine.importing($0.decode(as: Control.ImportRequest.self, context: $1)))
    }
    router.post("/v1/apply") {
      JSONReply(try await engine.apply($0.decode(as: Control.ApplyRequest.self, context: $1)))
    }
    router.post("/v1/rotation") {
      JSONReply(try await engine.rotateKeys($0.decode(as: Control.RotateRequest.self, context: $1)))
    }
    router.get("/v1/rotation") { _, _ in JSONReply(try await engine.rotation()) }
    router.post("/v1/down") { _, _ in JSONReply(try await engine.takeDown()) }
    router.post("/v1/uninstall") {
      JSONReply(try await engine.uninstall($0.decode(as: Control.UninstallRequest.self, context: $1)))
    }
    router.get("/v1/authority") { _, _ in JSONReply(try await engine.authority()) }
    router.post("/v1/authority") {
      JSONReply(try await engine.take($0.decode(as: Control.AuthorityKey.self, context: $1)))
    }
    router.post("/v1/authority/exported") { _, _ in JSONReply(try await engine.noteAuthorityExport()) }
    router.post("/v1/authority/remove") { _, _ in JSONReply(try await engine.removeAuthority()) }
    router.post("/v1/reload") { _, _ in JSONReply(try await engine.reload()) }
    var quiet = logger
    quiet.logLevel = .error
    let path = socket
    let application = Application(
      router: router,
      configuration: .init(address: .unixDomainSocket(path: path), serverName: "pbxlink"),
      onServerRunning: { _ in restrict(path) }, logger: quiet)
    defer { unlink(path) }
    try await application.serve()
  }

  /// Makes sure that we are the only agent; to be called before anything outside is touched.
  func claim() throws {
    try makeDirectory()
    try removeStaleSocket()
  }

  /// systemd makes the directory (RuntimeDirectory=); an agent that is started by hand must do it itself.
  private func makeDirectory() throws {
    let directory = URL(filePath: socket).deletingLastPathComponent().path
    guard mkdir(directory, 0o755) == 0 || errno == EEXIST else {
      throw Failure("\(directory) cannot be made: \(String(cString: strerror(errno)))", .cannotCreate)
    }
    // The agent's umask hides it from the group that may use the socket.
    chmod(directory, 0o755)
  }

  /// A socket left by an agent that was killed is removed; one that answers belongs to a running agent.
  private func removeStaleSocket() throws {
    guard access(socket, F_OK) == 0 else { return }
    if UnixSocket.answers(socket) {
      throw Failure("Another agent is running: \(socket) answers. Stop it first.", .unavailable)
    }
    unlink(socket)
  }
}

/// Only the owner and, where it exists, the group 'pbxlink' may connect.
private func restrict(_ path: String) {
  let group = getgrnam("pbxlink")?.pointee.gr_gid
  chmod(path, group == nil ? 0o600 : 0o660)
  if let group { chown(path, 0, group) }
}

struct ControlContext: RequestContext {
  var coreContext: CoreRequestContextStorage
  let channel: any Channel

  init(source: ApplicationRequestContextSource) {
    coreContext = .init(source: source)
    channel = source.channel
  }

  var maxUploadSize: Int { exchangeBodyLimit }
}
