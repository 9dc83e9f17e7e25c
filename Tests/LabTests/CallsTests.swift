// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: pbxlink contributors

import FoundationEssentials
import LinkLab
import PBXLinkCore
import Testing

@Suite("Calls", .serialized, .timeLimit(.minutes(10)), .offices("test-calls", isLinked: true))
struct CallsTests {
  let mesh: LinkedLab

  init() throws { mesh = try #require(LinkedLab.current) }

  private func report(_ office: Office, _ arguments: String...) async throws -> CallReport {
    try await office.run(["pbxlink", "calls", "--json"] + arguments).checked().json(CallReport.self)
  }

  /// Waits until an office hears of calls and has none.
  private func isIdle(_ office: Office) async throws {
    try await wait(for: "\(office.name) to be idle and listened to", upTo: .seconds(30)) {
      let report = try await report(office)
      return report.isHeard && report.now.isEmpty ? () : nil
    }
  }

  /// What an office tells of the next calls, once it has told of so many.
  private func calls(
    _ count: Int, in office: Office, during body: () async throws -> Void
  ) async throws -> [TrunkCall] {
    try await isIdle(office)
    let before = try await report(office, "--limit", "10000").calls.count
    try await body()
    return try await wait(for: "\(count) calls to be told in \(office.name)", upTo: .seconds(30)) {
      let calls = try await report(office, "--limit", "10000").calls.dropFirst(before)
      return calls.count >= count ? Array(calls) : nil
    }
  }

  @Test(
    "a call is shown at both ends while it is up, and counted when it is over, with Asterisk 22 and 16",
    arguments: [("paris", "lyon", "201", "301"), ("nice", "paris", "401", "201")])
  func answered(from caller: String, to callee: String, number: String, dialled: String) async throws {
    let (near, far) = (try mesh.lab.office(named: caller), try mesh.lab.office(named: callee))
    try await isIdle(far)
    let calls = try await calls(1, in: near) {
      let call = try await near.call(dialled)
      for (office, other, direction) in [
        (near, far, TrunkCall.Direction.outgoing), (far, near, .incoming),
      ] {
        let current = try await wait(for: "the call in \(office.name)", upTo: .seconds(10)) {
          try await report(office).now.first { $0.seconds ?? 0 >= 1 }
        }
        #expect(current.site.description == other.name.description && current.direction == direction)
        #expect(current.caller == number && current.number == dialled)
      }
      try await call.hangUp()
    }
    #expect(calls.count == 1)
    let call = try #require(calls.first)
    #expect(call.outcome == .answered && (1...15).contains(call.seconds), "\(call)")
    #expect(call.caller == number && call.number == dialled && call.direction == .outgoing)
    try await isIdle(far)
    #expect(try await report(far).calls.last?.direction == .incoming)
    let day = try #require(try await report(near, "--days", "1", "--site", callee).days.last)
    #expect(day.outgoing.answered >= 1 && day.outgoing.seconds >= call.seconds)
    let metrics = try await near.run(["pbxlink", "status", "--format", "prometheus"]).checked().standardOutput
    let labels = "{peer=\"\(callee)\",direction=\"out\""
    let answered = "pbxlink_calls_total\(labels),result=\"answered\"} \(day.outgoing.answered)\n"
    #expect(metrics.contains(answered))
    #expect(metrics.contains("pbxlink_call_seconds_total\(labels)} \(day.outgoing.seconds)\n"))
  }

  @Test("busy, unknown and given up are told apart, and test calls are none of them")
  func unanswered() async throws {
    let paris = try mesh.paris
    let calls = try await calls(3, in: paris) {
      _ = try await paris.attempt("303")
      _ = try await paris.attempt("399")
      _ = try await paris.attempt("304", upTo: .seconds(2))
      try await paris.run(["pbxlink", "why", "lyon"]).checked()
    }
    #expect(calls.map(\.outcome) == [.busy, .unknownNumber, .unanswered])
    #expect(calls.map(\.number) == ["303", "399", "304"])
    try await isIdle(try mesh.lyon)
    #expect(try await report(try mesh.lyon, "--limit", "3").calls.map(\.outcome) == calls.map(\.outcome))
  }

  @Test("calls over the limit are told where they are kept back")
  func limit() async throws {
    let (paris, lyon) = (try mesh.paris, try mesh.lyon)
    let refused = try await calls(5, in: paris) {
      for _ in 0..<4 { _ = try await paris.call("301") }
      _ = try await paris.dial("301")
      _ = try await lyon.dial("201")
      try await paris.hangUpAll()
    }
    let limited = refused.filter { $0.outcome == .refusedLimit }
    #expect(limited.map(\.direction) == [.outgoing] && limited.first?.number == "301", "\(refused)")
    try await isIdle(lyon)
    // Lyon keeps its own back; paris never hears of it.
    let own = try await report(lyon).calls.filter { $0.outcome == .refusedLimit }
    #expect(own.map(\.direction) == [.outgoing] && own.first?.caller == "301", "\(own)")
    let events = try await paris.run(["pbxlink", "events", "--kind", "call_refused"]).checked().standardOutput
    #expect(
      events.contains("a call to 'lyon' from 201 to 301 was refused: the link is at its limit of calls"))
  }

  @Test("a call that the far end does not take for want of authentication is told by the end that calls")
  func authentication() async throws {
    let (paris, lyon) = (try mesh.paris, try mesh.lyon)
    try await lyon.stopAgent("TERM")
    let file = "/etc/asterisk/pbxlink/iax.conf"
    try await lyon.shell("sed -i 's|^permit=10.*|permit=10.99.99.99/255.255.255.255|' \(file)").checked()
    _ = try await lyon.asterisk("iax2 reload")
    let calls = try await calls(1, in: paris) {
      guard case .ended(let end) = try await paris.dial("301") else { throw Failure() }
      #expect(end.cause == 50)
    }
    #expect(calls.map(\.outcome) == [.refusedAuthentication])
    let metrics = try await paris.run(["pbxlink", "status", "--format", "prometheus"]).checked()
      .standardOutput
    #expect(
      metrics.contains(
        "pbxlink_calls_total{peer=\"lyon\",direction=\"out\",result=\"refused_authentication\"} 1\n"))
    try await lyon.startAgent()
    try await lyon.run(["pbxlink", "apply"]).checked()
    try await mesh.waitForLink(paris, lyon)
    try await paris.call("301").hangUp()
  }

  private struct Failure: Error {}

  @Test("a call outlives the agent's view of it: another agent finds it, and Asterisk's death ends it")
  func restarts() async throws {
    let paris = try mesh.paris
    try await isIdle(paris)
    _ = try await paris.call("301")
    try await paris.stopAgent("KILL")
    try await paris.startAgent()
    try await wait(for: "the new agent to find the call", upTo: .seconds(20)) {
      try await report(paris).now.map(\.site.description) == ["lyon"] ? () : nil
    }
    let before = try await report(paris).calls.count
    try await paris.shell("kill -KILL $(pidof asterisk)").checked()
    try await wait(for: "Asterisk to be missed", upTo: .seconds(10)) {
      try await report(paris).isHeard ? nil : ()
    }
    let text = try await paris.run(["pbxlink", "calls"]).checked().standardOutput
    #expect(text.hasPrefix("! Asterisk does not tell of its calls"))
    try await paris.startAsterisk()
    try await wait(for: "the call to be over", upTo: .seconds(30)) {
      let report = try await report(paris)
      return report.isHeard && report.now.isEmpty ? () : nil
    }
    #expect(try await report(paris).calls.count == before + 1)
    try await mesh.waitForLink(paris, try mesh.lyon)
  }

  @Test("calls at an hour at which there never were any are told, once")
  func unusual() async throws {
    let (paris, lyon) = (try mesh.paris, try mesh.lyon)
    try await paris.stopAgent("TERM")
    let past = """
      import sqlite3, time
      base = sqlite3.connect("/var/lib/pbxlink/history.sqlite")
      now = time.localtime()
      today = (int(time.time()) + now.tm_gmtoff) // 86400
      for day in range(today - 28, today):
          base.execute("INSERT INTO call_hour VALUES ('lyon', ?, ?, 'out', 5, 5, 0, 0, 0, 0, 600)",
                       (day, (now.tm_hour + 12) % 24))
      base.commit()
      """
    try await paris.shell("python3 -", input: past).checked()
    try await paris.startAgent()
    try await mesh.waitForLink(paris, lyon)
    _ = try await calls(3, in: paris) {
      for _ in 0..<3 { _ = try await paris.attempt("303") }
    }
    func events() async throws -> [String] {
      try await paris.run(["pbxlink", "events", "--json", "--kind", "calls_unusual"]).checked()
        .json(EventList.self).events.map(\.text)
    }
    try await wait(for: "the event", upTo: .seconds(90)) { try await events().isEmpty ? nil : () }
    let text = try #require(try await events().first)
    #expect(text.contains(" calls with 'lyon' in the hours from "), "\(text)")
    let days = try await paris.run(["pbxlink", "calls", "--days", "30"]).checked().standardOutput
    #expect(days.split(separator: "\n").count >= 30)
    let (python, script) = (
      Repository.path(".build/python/bin/python3"),
      Repository.path("Tests/PBXLinkSystemTests/Web/validate.py")
    )
    let schema = Repository.path("docs/schemas/calls.json")
    let fault = try await paris.shell("pbxlink calls --json | '\(python)' '\(script)' '\(schema)'")
    #expect(fault.status == 0, "\(fault.standardOutput)\(fault.standardError)")
  }
}
