// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: pbxlink contributors

import Foundation
import Glibc
import Logging
import PBXLinkCore
import Synchronization
import Testing

@testable import PBXLinkSystem

@Suite("Hooks for events")
struct EventHookTests {
  private let now = Timestamp(seconds: 1_800_000_000)

  /// Takes what it is told to take.
  private final class Target: HookTarget {
    let name = "target"
    let taken = Mutex<[String]>([])
    let refusals: Mutex<[HookError]>

    init(refusals: [HookError] = []) { self.refusals = Mutex(refusals) }

    func deliver(_ message: EventMessage) async throws {
      if let refusal = refusals.withLock({ $0.popLast() }) { throw refusal }
      taken.withLock { $0.append(message.text) }
    }

    var texts: [String] { taken.withLock(\.self) }
  }

  private func append(_ texts: [String], _ kind: JournalEntry.Kind = .linkUp, to store: Store) throws {
    try store.commit(texts.map { .appendEvent(JournalEntry(kind, $0)) }, at: now)
  }

  private func withDirectory(_ body: (String) async throws -> Void) async throws {
    let directory = FileManager.default.temporaryDirectory.appending(path: "hook-\(UUID())").path
    try FileManager.default.createDirectory(atPath: directory, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(atPath: directory) }
    try await body(directory)
  }

  /// Runs a hook beside the body; each is like another agent on the same store.
  private func run(
    _ target: Target, on store: Store, _ body: (EventHook) async throws -> Void
  ) async throws {
    let now = now
    let hook = try EventHook(store, .webhookPosition, logger: Logger(label: "test")) { now }
    await hook.set(
      EventHook.Order(target: target, kinds: [.linkUp, .linkDown], mesh: "acme", observer: "paris"))
    let running = Task { try await hook.run() }
    defer { running.cancel() }
    try await body(hook)
  }

  @Test("events of the wanted kinds are told from the first order on, in order, by the next agent too")
  func order() async throws {
    try await withDirectory { directory async throws in
      let store = try Store(directory: directory)
      try append(["before"], to: store)
      let first = Target()
      try await run(first, on: store) { hook async throws in
        #expect(try await eventually { try store.load().meta(.webhookPosition) == Int64(1) })
        try append(["one"], to: store)
        try append(["other kind"], .planApplied, to: store)
        try append(["two"], .linkDown, to: store)
        hook.look()
        #expect(try await eventually { first.texts == ["paris: one", "paris: two"] })
        #expect(try await eventually { try store.load().meta(.webhookPosition) == Int64(4) })
      }
      try append(["while off"], to: store)
      let second = Target()
      try await run(second, on: store) { _ async throws in
        #expect(try await eventually { second.texts == ["paris: while off"] })
      }
    }
  }

  @Test(
    "what is not taken is tried again and told meanwhile; what never will be is given up, the rest is not held up"
  )
  func refusals() async throws {
    try await withDirectory { directory async throws in
      let store = try Store(directory: directory)
      let target = Target(refusals: [
        HookError(description: "HTTP status 400", isFinal: true), HookError(description: "busy"),
      ])
      try await run(target, on: store) { hook async throws in
        #expect(try await eventually { try store.load().meta(.webhookPosition) == Int64(0) })
        try append(["one", "two"], to: store)
        hook.look()
        #expect(
          try await eventually { await hook.problem == "target does not take event 1 (link_up): busy" })
        #expect(try await eventually { target.texts == ["paris: two"] })
        #expect(try await eventually { await hook.problem == nil })
      }
    }
  }

  @Test("of more than a hundred that wait the oldest are not told; no order forgets what waited")
  func bounds() async throws {
    try await withDirectory { directory async throws in
      let store = try Store(directory: directory)
      let idle = Target()
      try await run(idle, on: store) { _ async throws in
        #expect(try await eventually { try store.load().meta(.webhookPosition) == Int64(0) })
      }
      try append((1...150).map(String.init), to: store)
      let target = Target()
      try await run(target, on: store) { hook async throws in
        #expect(try await eventually { target.texts.last == "paris: 150" })
        #expect(target.texts.count == EventHook.limit && target.texts.first == "paris: 51")
        await hook.set(nil)
        #expect(
          try await eventually { () -> Bool in
            let position: Int64? = try store.load().meta(.webhookPosition)
            return position == nil
          })
      }
    }
  }

  private let message = EventMessage(
    RecordedEvent(
      id: 7, time: Timestamp(seconds: 1_800_000_000), kind: "link_down", site: "lyon",
      text: "link to 'lyon' is down: \"$(reboot)\""), mesh: "acme", observer: "paris")

  private func refusal(_ target: some HookTarget) async -> HookError? {
    await #expect(throws: HookError.self) { try await target.deliver(message) }
  }

  @Test(
    "a webhook gets JSON; what its server says decides whether it is tried again; it is not waited for for ever"
  )
  func webhook() async throws {
    try await withDirectory { directory async throws in
      let (port, file) = (try SharedPortListener().port, directory + "/posts")
      let script = URL(filePath: #filePath).deletingLastPathComponent().appending(path: "hook_server.py").path
      let server = Process()
      server.executableURL = URL(filePath: "/usr/bin/python3")
      server.arguments = [script, "\(port)", file]
      try server.run()
      defer {
        // Its SIGTERM may be blocked: Process hands our signal mask down.
        kill(server.processIdentifier, SIGKILL)
        server.waitUntilExit()
      }
      func hook(_ path: String) -> Webhook {
        Webhook(url: "http://127.0.0.1:\(port)\(path)", limit: .seconds(2))
      }
      #expect(
        try await eventually { () -> Bool in
          do { try await hook("/200").deliver(message) } catch is HookError { return false }
          return true
        })
      let line = try String(contentsOfFile: file, encoding: .utf8).split(separator: "\n").last ?? ""
      let parts = line.split(separator: " ", maxSplits: 2).map(String.init)
      #expect(parts.prefix(2) == ["/200", "application/json"])
      #expect(try JSONDecoder().decode(EventMessage.self, from: Data(parts[2].utf8)) == message)
      for (path, words, isFinal) in [
        ("/500", "HTTP status 500", false), ("/404", "HTTP status 404", true),
        ("/429", "HTTP status 429", false),
        ("/302", "HTTP status 302", false), ("/hang", "no answer in 2.0 seconds", false),
      ] {
        let error = await refusal(hook(path))
        #expect(error?.description == words && error?.isFinal == isFinal, "\(path)")
      }
      let posts = try String(contentsOfFile: file, encoding: .utf8).split(separator: "\n")
      #expect(posts.filter { $0.hasPrefix("/200") }.count == 1, "no redirection is followed")
      let gone = await refusal(Webhook(url: "http://127.0.0.1:1/secret"))
      #expect(gone?.isFinal == false)
      #expect(
        Webhook(url: "https://user:pass@chat.example.com/hooks/secret").name
          == "webhook https://chat.example.com")
    }
  }

  @Test(
    "a command gets JSON and variables, which no shell sees and which it need not read; its failure is told in its own words"
  )
  func command() async throws {
    try await withDirectory { directory async throws in
      func script(_ text: String) throws -> HookCommand {
        let path = directory + "/hook"
        try "#!/bin/sh\n\(text)\n".write(toFile: path, atomically: true, encoding: .utf8)
        try FileManager.default.setAttributes([.posixPermissions: 0o700], ofItemAtPath: path)
        return HookCommand(path: path, limit: .seconds(2))
      }
      let output = directory + "/output"
      let variables = "$PBXLINK_KIND|$PBXLINK_SITE|$PBXLINK_TIME|$PBXLINK_TEXT"
      try await script("cat >'\(output)'; echo \"\(variables)\" >>'\(output)'").deliver(message)
      let lines = try String(contentsOfFile: output, encoding: .utf8).split(separator: "\n").map(String.init)
      #expect(try JSONDecoder().decode(EventMessage.self, from: Data(lines[0].utf8)) == message)
      #expect(lines[1] == "link_down|lyon|2027-01-15T08:00:00Z|paris: link to 'lyon' is down: \"$(reboot)\"")
      #expect(await refusal(try script("echo no mail >&2; exit 3"))?.description.hasSuffix("no mail") == true)
      #expect(await refusal(try script("exec sleep 60"))?.description == "not done in 2.0 seconds")
      #expect(await refusal(HookCommand(path: directory + "/missing")) != nil)
      // Longer than a pipe holds.
      let text = String(repeating: "x", count: 100_000)
      let event = RecordedEvent(id: 8, time: now, kind: "link_up", site: nil, text: text)
      try await script("exit 0").deliver(EventMessage(event, mesh: "acme", observer: "paris"))
    }
  }
}
