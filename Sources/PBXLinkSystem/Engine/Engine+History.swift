// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: pbxlink contributors

internal import Logging
internal import PBXLinkCore

extension Engine {
  /// Opens the history. Without it links work as well; status says what is the matter.
  func openHistory() {
    do {
      let history = try HistoryStore(directory: configuration.stateDirectory)
      outages = OutageTracker(open: try history.openOutages())
      self.history = history
    } catch StoreError.damaged(let path, let detail) {
      // Unlike the store, it can be done without.
      historyProblem =
        "no history is kept: \(path) is damaged (\(detail)); move it away and restart the agent, which begins a new one"
      logger.error("\(historyProblem ?? "")")
    } catch {
      historyProblem = "no history is kept: \(error)"
      logger.error("history: \(error)")
    }
  }

  /// Notes how each link was in the minute that ends now.
  func recordMinute() async {
    guard let agent, let history, let probes = pathProbes, !isDown else { return }
    let figures = await probes.figures
    let now = Self.clock()
    let samples = agent.linkedSites(at: now).reduce(into: [SiteName: LinkSample]()) { samples, site in
      let path = agent.path(to: site)
      guard pathStates[site.name]?[path]?.isUp == true, let figures = figures[site.name]?[path],
        let quality = LinkQuality(figures, codec: agent.callCodec(with: site))
      else { return }
      samples[site.name] = LinkSample(quality, path: path, endingAt: now)
    }
    note { try history.record(samples, at: now) }
  }

  /// Notes which links have just begun or ended to be bad.
  func noteOutages() {
    guard let agent, let history, !isDown else { return }
    let now = Self.clock()
    let conditions = agent.linkedSites(at: now).reduce(into: [SiteName: OutageTracker.Condition]()) {
      let path = agent.path(to: $1)
      $0[$1.name] =
        switch pathStates[$1.name]?[path]?.condition {
        case .up: .up
        case .degraded: .poor(.degraded, cause: "calls by \(path.rawValue) would have sounded poor")
        case .down: .poor(.down, cause: "\(path.rawValue) did not answer")
        case .unknown, nil: .unknown
        }
    }
    let changes = outages.update(conditions, at: now)
    if !changes.isEmpty { note { try history.record(changes) } }
  }

  func note(_ body: () throws -> Void) {
    do {
      try body()
      historyProblem = nil
    } catch {
      historyProblem = "history is not written: \(error)"
      logger.error("history: \(error)")
    }
  }

  /// `history`: the past of one link.
  func history(of text: String) throws -> LinkHistory {
    let agent = try member()
    guard let name = SiteName(text) else { throw AgentError.siteNameInvalid(text) }
    guard let history else { throw Failure(historyProblem ?? "no history is kept yet", .unavailable) }
    let now = Self.clock()
    let found = try history.history(of: name, at: now)
    let isEmpty = found.minutes.isEmpty && found.hours.isEmpty && found.outages.isEmpty
    if isEmpty, !agent.sites(at: now).contains(where: { $0.name == name }) {
      throw AgentError.siteUnknown(name)
    }
    return found
  }
}
