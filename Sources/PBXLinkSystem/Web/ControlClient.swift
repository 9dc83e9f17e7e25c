// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: pbxlink contributors

internal import AsyncHTTPClient
internal import FoundationEssentials
internal import NIOCore
internal import NIOHTTP1

/// The command's way to the agent on this host.
public struct ControlClient: Sendable {
  /// The socket's path.
  public let socket: String

  /// A client of the agent with this runtime directory.
  public init(runtimeDirectory: String) { socket = runtimeDirectory + "/control.sock" }

  /// Asks the agent something. Its errors come back as ``Failure`` with their exit code.
  public func get<Answer: Decodable & Sendable>(_ path: String) async throws -> Answer {
    try await call(.GET, path, nil)
  }

  /// Has the agent do something. Its errors come back as ``Failure`` with their exit code.
  public func post<Answer: Decodable & Sendable>(
    _ path: String, _ body: (any Encodable & Sendable)? = nil
  ) async throws -> Answer {
    try await call(.POST, path, body)
  }

  /// Waits until the agent has ended, as it does after an uninstall.
  public func waitForEnd() async throws {
    for _ in 0..<100 {
      guard UnixSocket.answers(socket) else { return }
      try await Task.sleep(for: .milliseconds(100))
    }
    throw Failure(
      "The agent still answers at \(socket) after 10 s. End it with 'systemctl stop pbxlink'.", .osError)
  }

  /// Seconds that the agent may take: a join waits for handshakes at several endpoints.
  private static let timeout: Int64 = 120

  private func call<Answer: Decodable>(
    _ method: HTTPMethod, _ path: String, _ body: (any Encodable & Sendable)?
  ) async throws -> Answer {
    guard UnixSocket.answers(socket) else {
      throw Failure(
        "No agent answers at \(socket). Start it with 'systemctl start pbxlink', and run this command as root or as a "
          + "member of the group 'pbxlink'.", .unavailable)
    }
    let escaped = socket.utf8.map { byte -> String in
      (0x30...0x39).contains(byte) || (0x41...0x5a).contains(byte) || (0x61...0x7a).contains(byte)
        ? String(UnicodeScalar(byte)) : "%" + (byte < 16 ? "0" : "") + String(byte, radix: 16)
    }.joined()
    var request = HTTPClientRequest(url: "http+unix://\(escaped)\(path)")
    request.method = method
    if let body {
      request.headers.add(name: "content-type", value: "application/json")
      request.body = .bytes(ByteBuffer(bytes: try JSONEncoder().encode(body)))
    }
    let data: Data
    let succeeded: Bool
    do {
      let response = try await HTTPClient.shared.execute(request, timeout: .seconds(Self.timeout))
      data = Data(try await response.body.collect(upTo: exchangeBodyLimit).readableBytesView)
      succeeded = response.status == .ok
    } catch {
      throw Failure("The agent at \(socket) gave no answer: \(error). Its log says more.", .unavailable)
    }
    guard succeeded else {
      guard let answer = try? JSONDecoder().decode(ErrorAnswer.self, from: data) else {
        throw Failure("The agent's answer is not understood: is it of another version?", .protocolError)
      }
      throw Failure(answer.error, ExitCode(rawValue: answer.exitCode) ?? .software)
    }
    return try JSONDecoder().decode(Answer.self, from: data)
  }
}
