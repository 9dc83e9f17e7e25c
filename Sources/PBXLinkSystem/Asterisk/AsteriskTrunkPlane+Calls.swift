// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: pbxlink contributors

internal import PBXLinkCore

extension AsteriskTrunkPlane {
  /// What Asterisk tells of calls with peers.
  enum CallNews: Sendable {
    /// All channels that there are.
    case channels([CallTracker.Channel])
    /// What has just happened.
    case event(CallTracker.Event)
  }

  /// Between two looks at all channels, for what was not heard.
  private static let lookPause = Duration.seconds(60)

  /// Listens to Asterisk until it ends the connection; returns at once where it cannot be reached.
  func watchCalls(_ tell: @escaping @Sendable (CallNews) async -> Void) async throws {
    guard let access = try await currentAccess() else { return }
    try await AMIClient.withConnection(
      port: access.port, secret: access.secret, events: [.call, .user]
    ) { client in
      await tell(.channels(try await client.channels()))
      try await withThrowingTaskGroup { group in
        group.addTask {
          for await message in client.events {
            if let event = message.callEvent { await tell(.event(event)) }
          }
        }
        group.addTask {
          while true {
            try await Task.sleep(for: Self.lookPause)
            await tell(.channels(try await client.channels()))
          }
        }
        defer { group.cancelAll() }
        try await group.next()
      }
    }
  }
}
