// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: pbxlink contributors

internal import Glibc
internal import NIOPosix
internal import PBXLinkCore

/// The host's resolver (getaddrinfo), on threads of its own because it blocks.
enum NameResolution {
  private static let threads = NIOThreadPool.blocking(threads: 4)

  /// The addresses of a name; throws with the resolver's words.
  static func addresses(of name: String) async throws -> [IPAddress] {
    try await threads.runIfActive { try look(up: name) }
  }

  /// An endpoint with its host looked up; one that is an address stays as it is.
  static func resolve(_ endpoint: Endpoint) async throws -> [ResolvedEndpoint] {
    switch endpoint.host {
    case .address(let address): [ResolvedEndpoint(address, port: endpoint.port)]
    case .name(let name): try await addresses(of: name).map { ResolvedEndpoint($0, port: endpoint.port) }
    }
  }

  private static func look(up name: String) throws -> [IPAddress] {
    var hints = addrinfo()
    hints.ai_socktype = Int32(SOCK_DGRAM.rawValue)
    var list: UnsafeMutablePointer<addrinfo>?
    let code = getaddrinfo(name, nil, &hints, &list)
    guard code == 0 else {
      throw Failure(
        "'\(name)' cannot be looked up: \(String(cString: gai_strerror(code)))", .temporaryFailure)
    }
    defer { freeaddrinfo(list) }
    return sequence(first: list) { $0?.pointee.ai_next }.prefix { $0 != nil }.compactMap { entry in
      guard let entry = entry?.pointee else { return nil }
      var text = [CChar](repeating: 0, count: Int(NI_MAXHOST))
      let length = socklen_t(text.count)
      guard getnameinfo(entry.ai_addr, entry.ai_addrlen, &text, length, nil, 0, NI_NUMERICHOST) == 0 else {
        return nil
      }
      return IPAddress(String(decoding: text.prefix { $0 != 0 }.map(UInt8.init(bitPattern:)), as: UTF8.self))
    }
  }
}
