// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: pbxlink contributors

internal import PBXLinkCore

/// The probes of one path, and when something is due for them.
final class ScheduledProbe {
  let target: ProbeTarget
  private(set) var probe: PathProbe
  /// When the probe wants to be asked.
  fileprivate private(set) var wanted: Duration
  /// Where it stands in the queue.
  fileprivate(set) var due: Duration

  init(_ target: ProbeTarget, _ probe: PathProbe) {
    (self.target, self.probe, wanted, due) = (target, probe, probe.due, probe.due)
  }

  /// Changes the probe, without a copy of it.
  func update<Result>(_ body: (inout PathProbe) -> Result) -> Result {
    func update(_ probe: inout PathProbe) -> Result {
      defer { wanted = probe.due }
      return body(&probe)
    }
    return update(&probe)
  }
}

/// Probes by when they are due, the next one first.
struct ProbeQueue {
  private var entries: [ScheduledProbe] = []

  /// When the next one is due.
  var next: Duration? { entries.first?.due }

  /// Those that are due, and stay in the queue.
  func due(at now: Duration) -> ArraySlice<ScheduledProbe> { entries.prefix { $0.due <= now } }

  /// Takes those that are due out of the queue.
  mutating func takeDue(at now: Duration) -> [ScheduledProbe] {
    let due = Array(due(at: now))
    entries.removeFirst(due.count)
    return due
  }

  /// Puts one in that is not in it. Most are due after all others.
  mutating func insert(_ entry: ScheduledProbe) {
    entry.due = entry.wanted
    let index = entries.lastIndex { $0.due <= entry.due }.map { $0 + 1 } ?? 0
    entries.insert(entry, at: index)
  }

  /// One may be due earlier than it was; true if so. One that is due later is asked for nothing, and goes back.
  mutating func hurry(_ entry: ScheduledProbe) -> Bool {
    guard entry.wanted < entry.due else { return false }
    entries.removeAll { $0 === entry }
    insert(entry)
    return true
  }

  /// Removes all but some.
  mutating func keep(where isKept: (ProbeTarget) -> Bool) { entries.removeAll { !isKept($0.target) } }
}
