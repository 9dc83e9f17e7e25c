// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: pbxlink contributors

extension Duration {
  /// The duration in seconds, with a fraction.
  public var inSeconds: Double {
    Double(components.seconds) + Double(components.attoseconds) / 1e18
  }
}

/// Asks again and again until there is an answer.
/// - Parameters:
///   - what: completes the sentence "waited in vain for …".
///   - limit: how long to ask.
///   - interval: the pause between two questions.
/// - Throws: ``LabError/timeout(waitingFor:after:)``, or what `probe` throws.
public func wait<Answer>(
  for what: String, upTo limit: Duration, every interval: Duration = .milliseconds(100),
  until probe: () async throws -> Answer?
) async throws -> Answer {
  let deadline = ContinuousClock.now + limit
  while true {
    if let answer = try await probe() { return answer }
    guard ContinuousClock.now < deadline else { throw LabError.timeout(waitingFor: what, after: limit) }
    try await Task.sleep(for: interval)
  }
}
