// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: pbxlink contributors

internal import Logging
internal import PBXLinkCore

extension Engine: MonitoringSource {
  /// Serves monitoring until cancelled. Where that fails it is tried again, and the links do not suffer.
  func serveMonitoring() async throws {
    let monitoring = configuration.monitoring
    try await withThrowingTaskGroup { group in
      for endpoint in monitoring.listen {
        group.addTask {
          while true {
            do {
              await self.note(nil, at: endpoint)
              let server = try MonitoringServer(
                endpoint, monitoring.tokenFile, source: self, logger: self.logger)
              try await server.run()
            } catch is CancellationError {
              throw CancellationError()
            } catch {
              await self.note("monitoring: cannot serve on \(endpoint): \(error)", at: endpoint)
            }
            try await Task.sleep(for: .seconds(Self.lookInterval))
          }
        }
      }
      // With nowhere to serve this has no end either.
      group.addTask { while true { try await Task.sleep(for: .seconds(3600)) } }
      try await group.waitForAll()
    }
  }

  private func note(_ problem: String?, at endpoint: Endpoint) {
    if let problem, monitoringProblems[endpoint] != problem { logger.error("\(problem)") }
    monitoringProblems[endpoint] = problem
  }

  /// For so long an answer is given again, however many ask.
  private static let metricsAge = Duration.seconds(1)

  func metrics(_ format: MetricsFormat) async throws -> [UInt8] {
    if let last = metricsAnswers[format], ContinuousClock.now - last.moment < Self.metricsAge {
      return try await last.text.value
    }
    let text = Task { try await makeMetrics(format) }
    metricsAnswers[format] = (text, .now)
    return try await text.value
  }

  private func makeMetrics(_ format: MetricsFormat) async throws -> [UInt8] {
    var measured = Measurements()
    measured.process = try ProcessUsage.current()
    guard agent != nil else { return await Self.text(nil, measured, format) }
    measured.probes = await pathProbes?.counters ?? [:]
    measured.calls = calls.counts
    measured.timerLag = await pathProbes?.lateness.max()
    scraped = .now
    return await Self.text(try await knownStatus(), measured, format)
  }

  /// Apart from the engine, which has better things to do.
  @concurrent private static func text(
    _ status: StatusSnapshot?, _ measured: Measurements, _ format: MetricsFormat
  ) async -> [UInt8] {
    var writer = MetricsWriter(format)
    if let status { status.write(measured, to: &writer) } else { measured.write(to: &writer) }
    return writer.text
  }

  /// Seconds after the last scrape in which the next one is expected.
  private static let scrapePause = Duration.seconds(300)

  /// The status as the last look or change has shown it: scrapers ask often, and must not wait for one to be made.
  private func knownStatus() async throws -> StatusSnapshot {
    if let known, ContinuousClock.now - known.moment < .seconds(2 * Self.lookInterval) { return known.status }
    let status = try await lastStatus()
    known = (status, .now)
    return status
  }

  /// Keeps the status for scrapers, where there are any.
  func renewKnownStatus() async {
    guard let scraped, ContinuousClock.now - scraped < Self.scrapePause else {
      // Nobody needs the last answers any more.
      return (known, metricsAnswers) = (nil, [:])
    }
    // Whoever scrapes is told why there is none.
    known = (try? await lastStatus()).map { ($0, .now) }
  }

  var readiness: [(check: String, isMet: Bool)] {
    [
      ("site is in a mesh", agent != nil), ("tunnel, firewall and trunks were looked at", hasLooked),
      ("documents are exchanged", exchange != nil && exchangeProblem == nil),
    ]
  }
}
