// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: pbxlink contributors

internal import CLinux
internal import Glibc
internal import Hummingbird
internal import NIOCore
internal import PBXLinkCore

/// Journals who asks for a change by the control socket, before it is made.
struct CommandJournal: RouterMiddleware {
  typealias Context = ControlContext
  let engine: Engine

  @concurrent func handle(
    _ request: Request, context: Context, next: @concurrent (Request, Context) async throws -> Response
  ) async throws -> Response {
    if request.method != .get {
      let sender = try await context.channel.peerCredentials()
      let user = sender.uid == 0 ? "root" : "user \(sender.uid)"
      await engine.journal(
        JournalEntry(.commandReceived, "\(user) (process \(sender.pid)) asks for \(request.uri.path)"))
    }
    return try await next(request, context)
  }
}

extension Channel {
  /// Who is at the other end of a Unix socket, as the kernel noted it at its connect (unix(7), SO_PEERCRED).
  fileprivate func peerCredentials() async throws -> clinux_credentials {
    guard let socket = self as? any SocketOptionProvider else { throw ChannelError.operationUnsupported }
    return try await socket.unsafeGetSocketOption(
      level: .socket, name: NIOBSDSocket.Option(rawValue: SO_PEERCRED)
    ).get()
  }
}
