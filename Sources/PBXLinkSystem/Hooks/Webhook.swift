// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: pbxlink contributors

internal import AsyncHTTPClient
internal import FoundationEssentials
internal import NIOCore
internal import NIOHTTP1
internal import PBXLinkCore

/// Posts events as JSON to a URL.
struct Webhook: HookTarget {
  let url: String
  /// Of the whole request.
  var limit = Duration.seconds(10)

  /// Scheme and host: what follows often is a secret.
  var name: String {
    let parts = URL(string: url)
    return "webhook \(parts?.scheme ?? "")://\(parts?.host ?? "")"
  }

  func deliver(_ message: EventMessage) async throws {
    var request = HTTPClientRequest(url: url)
    request.method = .POST
    request.headers.add(name: "content-type", value: "application/json")
    request.headers.add(name: "user-agent", value: "pbxlink/\(Version.current)")
    request.body = .bytes(ByteBuffer(bytes: try JSONEncoder().encode(message)))
    var configuration = HTTPClient.Configuration()
    // Where the admin sends it and nowhere else.
    configuration.redirectConfiguration = .disallow
    let client = HTTPClient(eventLoopGroupProvider: .singleton, configuration: configuration)
    let result: Result<Int, any Error>
    do {
      let request = request
      let late = HookError(description: "no answer in \(limit)")
      result = .success(
        try await withTimeLimit(limit, late: late) {
          Int(try await client.execute(request, timeout: .seconds(60)).status.code)
        })
    } catch {
      result = .failure(error)
    }
    try await client.shutdown()
    let status: Int
    do {
      status = try result.get()
    } catch let error as HookError {
      throw error
    } catch {
      throw HookError(description: "\(error)")
    }
    guard !(200..<300).contains(status) else { return }
    // RFC 9110 §15.5: the request itself is at fault, but for those that ask for patience.
    throw HookError(
      description: "HTTP status \(status)",
      isFinal: (400..<500).contains(status) && ![408, 425, 429].contains(status))
  }
}
