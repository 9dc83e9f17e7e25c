// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: pbxlink contributors

import FoundationEssentials
import LinkLab
import Synchronization

/// The demo's steps: one public office admits the others one by one, and telephones with each.
final class Demonstration: Sendable {
  let console: Console
  private let figures = Mutex(DemoReport())

  init(console: Console) { self.console = console }

  var report: DemoReport { figures.withLock(\.self) }

  func run(_ file: LabFile, name: String?, binaries: String) async throws {
    let start = ContinuousClock.now
    let lab = try await step("bring up \(file.offices.count) offices with an Asterisk each") { progress in
      try await Lab.up(file, name: name, options: Lab.Options(binaries: binaries), progress: progress)
    }
    for office in lab.offices {
      let version = try await office.run(["asterisk", "-V"]).checked().standardOutput
      console.note(
        "\(office.name): \(office.plan.network), \(office.plan.address), \(version.prefix { $0 != "\n" })")
    }
    guard let first = lab.offices.first(where: { $0.plan.network == .public }) else {
      throw LabError.lab(name: lab.name, problem: "has no office with a public address to start a mesh from")
    }
    try await type(["pbxlink", "init", "--mesh", "acme", "--site", "\(first.name)"], in: first)
    try await first.startAgent()
    for office in lab.offices where office.name != first.name {
      try await add(office, from: first, in: lab)
    }
    console.heading(try await type(["pbxlink", "status"], in: first).standardOutput)
    figures.withLock {
      $0.totalSeconds = (ContinuousClock.now - start).inSeconds
      $0.succeeded = true
    }
  }

  /// One step, shown and recorded.
  @discardableResult
  func step<Result>(
    _ title: String, _ body: (@escaping ProgressHandler) async throws -> Result
  ) async throws -> Result {
    let start = ContinuousClock.now
    let result = try await console.step(title, body)
    let seconds = (ContinuousClock.now - start).inSeconds
    figures.withLock { $0.steps.append(DemoReport.Step(title: title, seconds: seconds)) }
    return result
  }

  private func add(_ office: Office, from first: Office, in lab: Lab) async throws {
    let start = ContinuousClock.now
    let answer = try await type(
      ["pbxlink", "add-site", "\(office.name)", "--extensions", office.numberPattern, "--json"], in: first)
    let invitation = try JSONDecoder().decode(AddSiteAnswer.self, from: Data(answer.standardOutput.utf8))
    try await type(invitation.command, in: office)
    try await office.startAgent()
    try await step("\(first.name) and \(office.name): link up at both ends") { _ in
      for (here, there) in [(first, office), (office, first)] {
        try await wait(for: "\(here.name)'s link to \(there.name)", upTo: .seconds(60)) {
          try await here.linkIsUp(to: there) ? () : nil
        }
      }
    }
    let linked = (ContinuousClock.now - start).inSeconds
    let dialled = (ContinuousClock.now - start).inSeconds
    let answered = dialled + (try await call(from: first, to: office, in: lab)).answerSeconds
    figures.withLock {
      $0.addSiteToFirstCallSeconds = $0.addSiteToFirstCallSeconds ?? answered
      $0.sites.append(
        DemoReport.AddedSite(
          site: "\(office.name)", addSiteToLinkSeconds: linked, addSiteToFirstCallSeconds: answered))
    }
    try await call(from: office, to: first, in: lab)
  }

  /// Runs a command in an office, shown as its admin would type it.
  @discardableResult
  private func type(_ arguments: [String], in office: Office) async throws -> CommandResult {
    // An invitation is longer than a line.
    let shown = arguments.map { $0.count > 40 ? $0.prefix(16) + "…" : $0[...] }.joined(separator: " ")
    return try await step("\(office.name)# \(shown)") { _ in
      try await office.run(arguments, timeout: .seconds(120)).checked()
    }
  }

  /// Places a call and returns what proves it.
  @discardableResult
  private func call(from caller: Office, to callee: Office, in lab: Lab) async throws -> CallRecord {
    guard let number = callee.plan.extensions.first(where: { $0.service == .tone })?.number else {
      throw LabError.office(name: "\(callee.name)", problem: "has no extension that plays a tone")
    }
    let record = try await step("\(caller.name) calls \(number) in \(callee.name)") { _ in
      let record = try await lab.call(from: caller, to: number)
      let gaps = record.gaps(interface: "pbxlink0")
      guard gaps.isEmpty else { throw LabError.call(number: number, problem: gaps.joined(separator: "; ")) }
      return record
    }
    console.note(record.summary)
    figures.withLock { $0.calls.append(record) }
    return record
  }
}

/// What the demo needs of `pbxlink add-site --json`.
private struct AddSiteAnswer: Decodable {
  /// What to type at the new site.
  let command: [String]
}

/// What the demo needs of `pbxlink status --json`.
private struct StatusAnswer: Decodable {
  struct Peer: Decodable {
    let name: String
    let state: String
  }
  let peers: [Peer]
}

extension Office {
  /// The pattern that covers the office's numbers: 3XX for 301.
  fileprivate var numberPattern: String {
    let number = plan.extensions.first?.number ?? ""
    return number.prefix(1) + String(repeating: "X", count: max(0, number.count - 1))
  }

  fileprivate func linkIsUp(to other: Office) async throws -> Bool {
    // The agent may be starting still: only its answer counts.
    let answer = try await run(["pbxlink", "status", "--json"])
    guard answer.succeeded else { return false }
    let status = try JSONDecoder().decode(StatusAnswer.self, from: Data(answer.standardOutput.utf8))
    return status.peers.contains { $0.name == "\(other.name)" && $0.state == "up" }
  }
}
