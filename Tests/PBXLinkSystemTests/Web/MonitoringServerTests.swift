// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: pbxlink contributors

import Foundation
import Glibc
import Logging
import Testing

@testable import PBXLinkCore
@testable import PBXLinkSystem

@Suite("HTTP for monitoring")
struct MonitoringServerTests {
  /// A site that is as ready as it is told to be.
  private struct Source: MonitoringSource {
    var isReady = true
    var problem: String?
    func metrics(_ format: MetricsFormat) async throws -> [UInt8] {
      var measured = Measurements()
      measured.process = try ProcessUsage.current()
      var writer = MetricsWriter(format)
      measured.write(to: &writer)
      return writer.text
    }
    func lastStatus() async throws -> StatusSnapshot {
      throw Failure("This server is in no mesh yet.", .configuration)
    }
    func page() async throws -> StatusPage {
      if let problem { throw Failure(problem, .configuration) }
      let status = StatusSnapshot(
        time: "2026-11-23T12:00:00Z", mesh: .init(name: "acme", authority: "key", networks: []),
        site: .init(name: "paris", addresses: [], extensions: [], revoked: false),
        agent: .init(
          version: "1", since: "2026-11-23T11:00:00Z", tunnelBackend: nil, tunnelBackendReason: nil,
          asteriskVersion: nil, problems: [], isDown: false), peers: [], neighbors: [])
      return StatusPage(
        status, rows: [:], pasts: [:], calls: [:], events: [], at: Timestamp(seconds: 1_800_000_000))
    }
    var readiness: [(check: String, isMet: Bool)] {
      get async { [("site is in a mesh", true), ("documents are exchanged", isReady)] }
    }
  }

  private static func serve(
    _ source: Source = Source(), tokenFile: String? = nil, _ body: (UInt16) async throws -> Void
  ) async throws {
    let port = try SharedPortListener().port
    let server = try MonitoringServer(
      try #require(Endpoint("127.0.0.1:\(port)")), tokenFile, source: source, logger: Logger(label: "test"))
    let running = Task { try await server.run() }
    defer { running.cancel() }
    try await Self.waitUntilAlive(port)
    try await body(port)
  }

  private static func waitUntilAlive(_ port: UInt16) async throws {
    try #require(try await eventually { (try? await ask(port, "GET /livez").status) == 200 })
  }

  private static func ask(
    _ port: UInt16, _ request: String, _ headers: String...
  ) async throws -> (head: String, status: Int, body: String) {
    let stream = try SharedPortStream(to: port)
    let host = headers.contains { $0.hasPrefix("host:") } ? [] : ["host: 127.0.0.1:\(port)"]
    let lines = [request + " HTTP/1.1", "connection: close"] + host + headers
    #expect(await stream.send(Array((lines.joined(separator: "\r\n") + "\r\n\r\n").utf8)))
    let answer = String(decoding: await stream.receiveAll().bytes, as: UTF8.self)
    let parts = answer.split(separator: "\r\n\r\n", maxSplits: 1).map(String.init)
    let status = answer.split(separator: " ").dropFirst().first.flatMap { Int($0) }
    return (parts.first?.lowercased() ?? "", status ?? 0, parts.count > 1 ? parts[1] : "")
  }

  @Test("who looks at a server in no mesh reads why there is no status, and is shown it when there is")
  func problem() async throws {
    try await Self.serve(Source(problem: "In no mesh yet: <pbxlink join>")) { port async throws in
      let page = try await Self.ask(port, "GET /")
      #expect(page.status >= 400 && page.head.contains("content-type: text/html; charset=utf-8"))
      #expect(page.body.contains("In no mesh yet: &lt;pbxlink join&gt;"))
      #expect(page.body.contains("http-equiv=\"refresh\""))
      #expect(try await Self.ask(port, "GET /?part=main").status >= 400)
    }
  }

  @Test("metrics come in the format that is asked for, and say so")
  func formats() async throws {
    try await Self.serve { port async throws in
      let plain = try await Self.ask(port, "GET /metrics")
      #expect(
        plain.status == 200 && plain.head.contains("content-type: text/plain; version=0.0.4; charset=utf-8"))
      #expect(plain.body.contains("\npbxlink_build_info{version=\"\(Version.current)\"} 1\n"))
      let open = try await Self.ask(
        port, "GET /metrics", "accept: application/openmetrics-text;version=1.0.0")
      #expect(open.head.contains("content-type: application/openmetrics-text; version=1.0.0; charset=utf-8"))
      #expect(open.status == 200 && open.body.hasSuffix("# EOF\n"))
    }
  }

  @Test("the process is described as the kernel sees it")
  func process() throws {
    let (usage, now) = (try ProcessUsage.current(), Date().timeIntervalSince1970)
    #expect(
      usage.processorTime > .zero && usage.openFiles > 2 && usage.start < now && usage.start > now - 86_400)
    #expect(usage.residentBytes > 1 << 20 && usage.residentBytes < usage.virtualBytes)
  }

  @Test("ready is who does all of its work; whoever answers lives")
  func probes() async throws {
    try await Self.serve(Source(isReady: false)) { port async throws in
      let ready = try await Self.ask(port, "GET /readyz")
      #expect(ready.status == 503 && ready.body == "[+] site is in a mesh\n[-] documents are exchanged\n")
      #expect(try await Self.ask(port, "GET /livez").status == 200)
    }
    try await Self.serve { port async throws in #expect(try await Self.ask(port, "GET /readyz").status == 200)
    }
  }

  @Test("nothing can be changed, and what there is not is not found")
  func readOnly() async throws {
    try await Self.serve { port async throws in
      for request in [
        "POST /metrics", "DELETE /status.json", "GET /v1/status", "POST /v1/down", "GET /../etc/passwd",
      ] {
        #expect(
          [404, 405].contains(try await Self.ask(port, request, "content-length: 0").status), "\(request)")
      }
      let status = try await Self.ask(port, "GET /status.json")
      #expect(status.status >= 400 && status.body.contains("in no mesh yet"))
    }
  }

  @Test("the page may do nothing but apply its style and script and ask again; its changing part comes alone")
  func page() async throws {
    try await Self.serve { port async throws in
      let whole = try await Self.ask(port, "GET /")
      #expect(whole.status == 200 && whole.body.hasPrefix("<!DOCTYPE html>"))
      let policy = try #require(
        whole.head.split(separator: "\r\n").first { $0.hasPrefix("content-security") })
      #expect(
        policy.contains("default-src 'none'; style-src 'sha256-")
          && policy.contains("; script-src 'sha256-") && !policy.contains("unsafe"))
      let part = try await Self.ask(port, "GET /?part=main")
      #expect(part.status == 200 && part.body.hasPrefix("<main ") && whole.body.contains(part.body))
      #expect(part.head.contains("cache-control: no-store"))
    }
  }

  @Test(
    "without a token a name that leads here by trickery is not served",
    arguments: [
      ("127.0.0.1:9470", 200), ("localhost:9470", 200), ("[::1]:9470", 200), ("[::1]", 200),
      ("10.0.0.1", 200),
      ("evil.example.com:9470", 403), ("127.0.0.1.evil.example.com", 403),
      ("localhost.evil.example.com", 403), ("a10.0.0.1b", 403),
    ])
  func names(host: String, status: Int) async throws {
    try await Self.serve { port async throws in
      for path in ["/", "/metrics"] {
        #expect(try await Self.ask(port, "GET \(path)", "host: \(host)").status == status, "\(path)")
      }
    }
  }

  @Test("with a token only who shows it reads, but anyone may ask whether we live")
  func token() async throws {
    let file = FileManager.default.temporaryDirectory.appending(path: "token-\(UUID())").path
    try Data("  0123456789abcdef\n".utf8).write(to: URL(filePath: file))
    defer { try? FileManager.default.removeItem(atPath: file) }
    try await Self.serve(tokenFile: file) { port async throws in
      // A browser shows it as the password of any user.
      let pair = Data("admin:0123456789abcdef".utf8).base64EncodedString()
      #expect(
        try await Self.ask(port, "GET /", "authorization: Basic \(pair)", "host: pbx.example").status == 200)
      for path in ["/", "/metrics", "/status.json"] {
        #expect(try await Self.ask(port, "GET \(path)").status == 401)
        for wrong in [
          "Basic \(Data("admin:0123456789abcdeF".utf8).base64EncodedString())", "Basic YWRtaW4", "Basic ",
          "Bearer 0123456789abcdeF", "Bearer 0123456789abcde", "Basic 0123456789abcdef", "Bearer ",
        ] {
          #expect(try await Self.ask(port, "GET \(path)", "authorization: \(wrong)").status == 401)
        }
      }
      #expect(
        try await Self.ask(port, "GET /metrics", "authorization: Bearer 0123456789abcdef").status == 200)
      #expect(try await Self.ask(port, "GET /livez").status == 200)
    }
  }

  @Test("an address that others reach is refused without a token, and so is a token that can be guessed")
  func refusals() throws {
    func refusal(_ endpoint: String, _ tokenFile: String?) throws -> String {
      let endpoint = try #require(Endpoint(endpoint))
      let error = #expect(throws: (any Error).self) {
        try MonitoringServer(endpoint, tokenFile, source: Source(), logger: Logger(label: "test"))
      }
      return error.map { "\($0)" } ?? ""
    }
    for address in ["0.0.0.0:9470", "192.0.2.1:9470", "[::]:9470", "[2001:db8::1]:9470"] {
      #expect(try refusal(address, nil).contains("others could read it; set 'monitoring: token_file:'"))
    }
    let file = FileManager.default.temporaryDirectory.appending(path: "token-\(UUID())").path
    defer { try? FileManager.default.removeItem(atPath: file) }
    #expect(try refusal("127.0.0.1:9470", file).contains(file))
    for token in ["", "secret\n", "0123456789 abcdef\u{e9}"] {
      try Data(token.utf8).write(to: URL(filePath: file))
      #expect(try refusal("127.0.0.1:9470", file).contains("\(file) holds no token"))
    }
  }

  @Test("fifty scrapers at once are all answered, while one that does not read its answer is")
  func scrapers() async throws {
    try await Self.serve { port async throws in
      let slow = try SharedPortStream(to: port)
      #expect(await slow.send(Array("GET /metrics HTTP/1.1\r\nhost: localhost\r\n".utf8)))
      try await withThrowingTaskGroup { group in
        for _ in 0..<50 { group.addTask { try await Self.ask(port, "GET /metrics").status } }
        for try await status in group { #expect(status == 200) }
      }
      #expect(await slow.send(Array("\r\n".utf8)))
      #expect(await slow.receiveAnswer().status == 200)
    }
  }

  @Test("a server that is ended while connections are being made ends alone, and gives its address back")
  func cancellation() async throws {
    let endpoint = try #require(Endpoint("127.0.0.1:\(try SharedPortListener().port)"))
    for round in 0..<40 {
      let server = try MonitoringServer(endpoint, nil, source: Source(), logger: Logger(label: "test"))
      let running = Task { try await server.run() }
      try await Self.waitUntilAlive(endpoint.port)
      let crowd = Task.detached {
        var streams: [SharedPortStream] = []
        while !Task.isCancelled, streams.count < 200 {
          if let stream = try? SharedPortStream(to: endpoint.port) { streams.append(stream) }
        }
      }
      try await Task.sleep(for: .microseconds(200 * round))
      running.cancel()
      await #expect(throws: CancellationError.self) { try await running.value }
      crowd.cancel()
      await crowd.value
    }
  }
}
