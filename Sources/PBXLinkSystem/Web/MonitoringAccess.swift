// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: pbxlink contributors

internal import COpenSSL
internal import FoundationEssentials
internal import Hummingbird
internal import PBXLinkCore

/// Lets nobody through who does not show the token: as such (RFC 6750 §2.1), or as the password of a browser, whatever
/// the user's name is (RFC 7617).
///
/// Without a token only what comes for an address or for localhost is answered: a page of the Internet whose name leads
/// to our loopback address (DNS rebinding) reads nothing. That is no protection from other programs on this server.
struct MonitoringAccess: RouterMiddleware {
  typealias Context = ControlContext
  let token: [UInt8]?

  @concurrent func handle(
    _ request: Request, context: Context, next: @concurrent (Request, Context) async throws -> Response
  ) async throws -> Response {
    guard let token else {
      guard Self.isOurs(request.head.authority ?? "") else {
        throw Failure(
          "Ask for http://127.0.0.1 or http://localhost: no other name is served here.", .noPermission)
      }
      return try await next(request, context)
    }
    guard let shown = Self.token(in: request.headers[.authorization] ?? ""),
      // In the same time whatever is wrong with it.
      shown.count == token.count, CRYPTO_memcmp(shown, token, token.count) == 0
    else {
      let ways = "Bearer, Basic realm=\"pbxlink: the token as password\""
      return Response(status: .unauthorized, headers: [.wwwAuthenticate: ways])
    }
    return try await next(request, context)
  }

  /// Whether a Host header names an address or localhost, with any port.
  private static func isOurs(_ host: String) -> Bool {
    let isBracketed = host.first == "[" && host.last == "]"
    let name = isBracketed ? String(host.dropFirst().dropLast()) : host
    return Endpoint(host)?.address != nil || IPAddress(name) != nil
      || host.split(separator: ":", omittingEmptySubsequences: false).first == "localhost"
  }

  private static func token(in header: String) -> [UInt8]? {
    let parts = header.split(separator: " ", maxSplits: 1, omittingEmptySubsequences: false)
    guard parts.count == 2 else { return nil }
    switch parts[0].lowercased() {
    case "bearer": return Array(parts[1].utf8)
    case "basic":
      guard let pair = Data(base64Encoded: String(parts[1])), let colon = pair.firstIndex(of: 0x3a) else {
        return nil
      }
      return Array(pair[(colon + 1)...])
    default: return nil
    }
  }
}
