// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: pbxlink contributors

extension Agent {
  /// Days before the end of a membership at which the text of its alarm becomes more urgent.
  static let expiryWarnings: [Int64] = [90, 30, 7]
  /// Seconds after which a rotation that is not at its end is told.
  static let rotationPatience: Int64 = 600

  /// What the admin should know of the mesh's life, one sentence each: none of it cuts a link.
  public func alarms(at now: Timestamp) -> [String] {
    revocationAlarms(at: now) + rotationAlarms(at: now) + expiryAlarms(at: now) + clockAlarms(at: now)
  }

  private func revocationAlarms(at now: Timestamp) -> [String] {
    revocationProgress(at: now).filter { keys.authority != nil && $0.isOverdue(at: now) }.map { progress in
      let names = progress.waiting.map { "'\($0)'" }.joined(separator: ", ")
      return
        "'\(progress.entry.site)' is removed since \(progress.entry.at), but \(names) did not say so far that "
        + "it is cut off there: check that the agent runs there, can be reached, and is not an older pbxlink, which "
        + "does not say so"
    }
  }

  private func rotationAlarms(at now: Timestamp) -> [String] {
    if let rotation = keyGenerations.rotation, now - rotation.begunAt > Self.rotationPatience {
      let names = sitesAwaitedByRotation(at: now).map { "'\($0)'" }.joined(separator: ", ")
      return [
        "the rotation of keys that began at \(rotation.begunAt) waits for "
          + (names.isEmpty ? "the change of the tunnel key" : "\(names): check the agent there")
      ]
    }
    return []
  }

  private func expiryAlarms(at now: Timestamp) -> [String] {
    sites(at: now).filter { keys.authority != nil || $0.identity == identity }.compactMap { site in
      let left = site.membership.notAfter - now
      guard let days = Self.expiryWarnings.last(where: { left <= $0 * 86_400 }) else { return nil }
      let whose = site.identity == identity ? "this site's membership" : "the membership of '\(site.name)'"
      let when = left <= 0 ? "ended" : "ends in less than \(days) days,"
      return
        "\(whose) \(when) at \(site.membership.notAfter); links stay up, but nothing new is agreed on. It is "
        + "renewed where the authority key is: see that the agent there runs and has the key"
    }
  }

  private func clockAlarms(at now: Timestamp) -> [String] {
    guard let deviation = clockDeviation(at: now) else { return [] }
    return [
      "the clock here says \(now), which is \(abs(deviation)) s \(deviation > 0 ? "behind" : "ahead of") the other "
        + "sites': check 'timedatectl'"
    ]
  }
}
