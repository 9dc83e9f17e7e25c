// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: pbxlink contributors

internal import NIOCore
internal import NIOPosix
public import PBXLinkCore

/// A connection to Asterisk's manager interface.
///
/// Several requests may be under way at once: Asterisk repeats each one's ActionID in what belongs to it.
public actor AMIClient {
  /// Classes of events, as in `EventMask`.
  public enum EventClass: String, Sendable, CaseIterable {
    case system, call, user
  }

  /// Events that answer no request, the newest 1000 if nobody reads them.
  public nonisolated let events: AsyncStream<AMIMessage>

  private typealias Frames = AsyncThrowingStream<AMIFrame, any Error>
  private let port: UInt16
  private let timeout: Duration
  private let outbound: NIOAsyncChannelOutboundWriter<ByteBuffer>
  private let eventSink: AsyncStream<AMIMessage>.Continuation
  private var requests: [String: Frames.Continuation] = [:]
  private var bareRequest: Frames.Continuation?
  private var count = 0
  /// Set when the connection has ended, with what ended it unless the far end did.
  private var ending: Result<Void, any Error>?

  private init(port: UInt16, timeout: Duration, outbound: NIOAsyncChannelOutboundWriter<ByteBuffer>) {
    self.port = port
    self.timeout = timeout
    self.outbound = outbound
    (events, eventSink) = AsyncStream.makeStream(bufferingPolicy: .bufferingNewest(1000))
  }

  /// Connects over loopback, logs in, runs the body and closes the connection.
  public static func withConnection<Result: Sendable>(
    port: UInt16, user: String = TrunkNames.managerUser, secret: Secret, events: Set<EventClass> = [],
    timeout: Duration = .seconds(5), _ body: (AMIClient) async throws -> Result
  ) async throws -> Result {
    let channel: NIOAsyncChannel<AMIFrame, ByteBuffer>
    do {
      channel = try await ClientBootstrap(group: MultiThreadedEventLoopGroup.singleton)
        .connectTimeout(.seconds(5))
        .connect(host: "127.0.0.1", port: Int(port)) { channel in
          channel.eventLoop.makeCompletedFuture {
            try channel.pipeline.syncOperations.addHandler(
              ByteToMessageHandler(AMIFrameDecoder(), maximumBufferSize: AMIFrameDecoder.limit))
            return try NIOAsyncChannel(wrappingChannelSynchronously: channel)
          }
        }
    } catch {
      throw AMIError.connect(port: port, reason: "\(error)")
    }
    return try await channel.executeThenClose { inbound, outbound in
      let client = AMIClient(port: port, timeout: timeout, outbound: outbound)
      return try await withThrowingTaskGroup(of: Void.self) { group in
        group.addTask { await client.receive(inbound) }
        defer { group.cancelAll() }
        try await client.logIn(user: user, secret: secret, events: events)
        return try await body(client)
      }
    }
  }

  private func logIn(user: String, secret: Secret, events: Set<EventClass>) async throws {
    let mask = events.isEmpty ? "off" : events.map(\.rawValue).sorted().joined(separator: ",")
    _ = try await request(
      "Login", [("Username", user), ("Secret", secret.exposedHex), ("Events", mask)])
  }

  private func receive(_ inbound: NIOAsyncChannelInboundStream<AMIFrame>) async {
    var failure: (any Error)?
    do {
      for try await frame in inbound { try route(frame) }
    } catch {
      failure = error
    }
    ending = failure.map { .failure($0) } ?? .success(())
    let waiting = Array(requests.values) + (bareRequest.map { [$0] } ?? [])
    for request in waiting { request.finish(throwing: failure) }
    eventSink.finish()
  }

  private func route(_ frame: AMIFrame) throws {
    switch frame {
    case .banner(let text):
      guard text.hasPrefix("Asterisk Call Manager") else {
        throw AMIError.notAsterisk(port: port, banner: text)
      }
    case .lines: bareRequest?.yield(frame)
    case .message(let message):
      if let id = message["ActionID"], let request = requests[id] {
        request.yield(frame)
      } else if message.event != nil {
        eventSink.yield(message)
      }
    }
  }

  /// Sends an action and returns its response; throws when Asterisk refuses.
  @discardableResult
  public func request(_ action: String, _ headers: [(String, String)] = []) async throws -> AMIMessage {
    let messages = try await exchange(action, headers) { $0["Response"] != nil && $0.event == nil }
    guard let response = messages.last else { throw AMIError.closed(action: action) }
    return response
  }

  /// Sends an action that is answered by a list of events, and returns them without the closing one.
  public func list(_ action: String, _ headers: [(String, String)] = []) async throws -> [AMIMessage] {
    try await exchange(action, headers) { $0["EventList"] == "Complete" }
      .filter { $0.event != nil && $0["EventList"] == nil }
  }

  /// Sends an action and returns the messages up to the one for which `isLast` is true.
  func exchange(
    _ action: String, _ headers: [(String, String)], until isLast: @Sendable @escaping (AMIMessage) -> Bool
  ) async throws -> [AMIMessage] {
    count += 1
    let id = "pbxlink-\(count)"
    let (frames, continuation) = Frames.makeStream()
    requests[id] = continuation
    defer { requests[id] = nil }
    try await write(action, [("ActionID", id)] + headers)
    return try await withTimeout(action) {
      var messages: [AMIMessage] = []
      for try await case .message(let message) in frames {
        if message["Response"] == "Error" {
          throw AMIError.refused(action: action, message: message["Message"] ?? "no reason given")
        }
        messages.append(message)
        if isLast(message) { return messages }
      }
      return nil
    }
  }

  /// Sends an action that is answered by bare lines up to an empty one. They carry no ActionID, so only one
  /// such request can be under way.
  func lines(_ action: String) async throws -> [String] {
    guard bareRequest == nil else {
      throw AMIError.refused(action: action, message: "another request for bare lines is under way")
    }
    let (frames, continuation) = Frames.makeStream()
    bareRequest = continuation
    defer { bareRequest = nil }
    try await write(action, [])
    return try await withTimeout(action) {
      for try await case .lines(let lines) in frames { return lines }
      return nil
    }
  }

  private func write(_ action: String, _ headers: [(String, String)]) async throws {
    guard ending == nil else { throw closed(action) }
    var text = "Action: \(action)\r\n"
    for (name, value) in headers {
      guard !value.utf8.contains(where: { $0 == 0x0a || $0 == 0x0d }) else { throw AMIError.header(name) }
      text += "\(name): \(value)\r\n"
    }
    do {
      try await outbound.write(ByteBuffer(string: text + "\r\n"))
    } catch {
      throw closed(action)
    }
  }

  private func closed(_ action: String) -> any Error {
    if case .failure(let failure) = ending { failure } else { AMIError.closed(action: action) }
  }

  /// The value of the operation; nil from it means that the connection ended.
  private func withTimeout<Value: Sendable>(
    _ action: String, _ operation: @escaping @Sendable () async throws -> Value?
  ) async throws -> Value {
    let limit = timeout
    return try await withThrowingTaskGroup(of: Value?.self) { group in
      group.addTask { try await operation() }
      group.addTask {
        try await Task.sleep(for: limit)
        throw AMIError.timeout(action: action)
      }
      defer { group.cancelAll() }
      guard let first = try await group.next(), let value = first else {
        try Task.checkCancellation()
        throw AMIError.closed(action: action)
      }
      return value
    }
  }
}
