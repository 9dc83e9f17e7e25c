// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: pbxlink contributors

public import ArgumentParser
import FoundationEssentials
public import PBXLinkCore
import PBXLinkSystem

struct Events: ReportingCommand {
  static let configuration = CommandConfiguration(
    abstract: "Show what changed and why: links, documents, plans, keys, commands.",
    discussion: """
      The journal keeps the last 100,000 events.

        pbxlink events
        pbxlink events --since 2h --site lyon
        pbxlink events --kind link_down link_up --follow
        pbxlink events --since 7d --json | jq '.events[] | select(.kind == "command_received")'

      With --follow and --json each event is a line of its own.
      """)

  @Option(
    help: "Since when: a number and s, m, h or d back from now, or a time such as 2026-11-23T12:00:00Z.")
  var since: TimeBack?
  @Option(help: "Only what concerns this site.") var site: String?
  @Option(
    parsing: .upToNextOption, help: "Only these kinds.",
    completion: .list(JournalEntry.Kind.allCases.map(\.rawValue)))
  var kind: [JournalEntry.Kind] = []
  @Option(help: "The last so many events; 50 without --since.") var limit: Int?
  @Flag(name: .shortAndLong, help: "Go on with what happens.") var follow = false
  @OptionGroup var agent: AgentOptions
  @OptionGroup var output: OutputOptions

  func validate() throws {
    guard limit.map(EventQuery.limits.contains) ?? true else {
      throw ValidationError("--limit: \(EventQuery.limits.lowerBound) to \(EventQuery.limits.upperBound).")
    }
  }

  func execute() async throws {
    let client = try agent.client()
    var query = EventQuery()
    query.since = since?.moment.seconds
    query.kinds = kind.isEmpty ? nil : kind
    query.limit = limit ?? (since == nil ? nil : EventQuery.limits.upperBound)
    if let site {
      guard let name = SiteName(site) else { throw AgentError.siteNameInvalid(site) }
      query.site = name
    }
    var list: EventList = try await client.get("/v1/events?\(query.text)")
    guard follow else {
      if output.json { return try Console.print(json: list) }
      return Console.print(list.events.map(\.line))
    }
    query.limit = EventQuery.limits.upperBound
    var isWaiting = false
    while true {
      for event in list.events {
        if output.json { try Console.print(jsonLine: event) } else { Console.print([event.line]) }
      }
      Console.flush()
      query.after = list.events.last?.id ?? query.after
      try await Task.sleep(for: .seconds(1))
      do {
        list = try await client.get("/v1/events?\(query.text)")
        isWaiting = false
      } catch let failure as Failure where failure.exitCode == .unavailable {
        if !isWaiting { Console.complain("pbxlink: the agent does not answer; waiting for it.") }
        (isWaiting, list) = (true, EventList([]))
      }
    }
  }
}

extension JournalEntry.Kind: ExpressibleByArgument {}

extension EventQuery {
  /// As the query of a URL; no value needs an escape.
  fileprivate var text: String {
    let parts: [(String, String?)] = [
      ("after", after?.description), ("since", since?.description), ("site", site?.description),
      ("limit", limit?.description),
    ]
    return
      (parts.compactMap { name, value in value.map { "\(name)=\($0)" } }
      + (kinds ?? []).map { "kinds[]=\($0.rawValue)" }).joined(separator: "&")
  }
}

/// A moment: RFC 3339, or a time back from now.
struct TimeBack: ExpressibleByArgument {
  let moment: Timestamp

  init?(argument: String) {
    if let seconds = Self.seconds(argument) {
      moment = Timestamp(seconds: Int64(Date().timeIntervalSince1970)) + -seconds
    } else if let moment = Timestamp(rfc3339: argument) {
      self.moment = moment
    } else {
      return nil
    }
  }

  /// A number and a unit, such as 2h, in seconds; nil for anything else and for more than ten years.
  static func seconds(_ text: String) -> Int64? {
    let units: [Character: Int64] = ["s": 1, "m": 60, "h": 3600, "d": 86_400]
    guard let unit = text.last.flatMap({ units[$0] }), let count = Int64(text.dropLast()),
      (1...(3650 * 86_400 / unit)).contains(count)
    else { return nil }
    return count * unit
  }
}
