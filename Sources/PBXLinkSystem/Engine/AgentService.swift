// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: pbxlink contributors

internal import Glibc
public import Logging
internal import PBXLinkCore
internal import ServiceLifecycle
internal import UnixSignals

/// The daemon: the engine, its signals, and the service manager's protocol.
public struct AgentService: Sendable {
  let siteFile: String
  let logger: Logger

  /// A daemon with this site file.
  public init(siteFile: String, logger: Logger) {
    self.siteFile = siteFile
    self.logger = logger
  }

  /// Runs until SIGTERM or SIGINT; links stay as they are. SIGHUP reads the site file again.
  public func run() async throws {
    // Sockets, keys and the database are ours alone; what Asterisk reads gets its mode explicitly.
    umask(0o077)
    // A reader that goes away must not end the agent.
    signal(SIGPIPE, SIG_IGN)
    let engine = try Engine(siteFile: siteFile, logger: logger)
    let logger = logger
    let daemon = Daemon(engine: engine, logger: logger)
    let group = ServiceGroup(
      configuration: .init(
        services: [.init(service: daemon, successTerminationBehavior: .gracefullyShutdownGroup)],
        gracefulShutdownSignals: [.sigterm, .sigint], logger: logger))
    try await group.run()
    Notify.stopping()
  }
}

private struct Daemon: Service {
  let engine: Engine
  let logger: Logger

  func run() async throws {
    do {
      try await cancelWhenGracefulShutdown {
        try await withThrowingTaskGroup { group in
          group.addTask { try await engine.run() }
          group.addTask { await reloadOnHangUp() }
          try await group.next()
          group.cancelAll()
        }
      }
    } catch is CancellationError where Task.isShuttingDownGracefully {
      logger.info("agent ends; links stay up")
    }
  }

  private func reloadOnHangUp() async {
    for await _ in await UnixSignalsSequence(trapping: .sighup) {
      Notify.reloading()
      do {
        let answer = try await engine.reload()
        logger.info("\(answer.messages.joined(separator: "; "))")
      } catch {
        logger.error("reload: \(error)")
      }
      Notify.ready(status: "site file read")
    }
  }
}
