// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: pbxlink contributors

/// What a hook is told of an event.
public struct EventMessage: Hashable, Sendable, Codable {
  /// The form of this document.
  public var schema = "pbxlink.event/1"
  /// The mesh.
  public let mesh: String?
  /// The site whose agent tells of it.
  public let observer: String?
  /// All of it in a sentence: what chat servers show.
  public let text: String
  /// The event.
  public let event: RecordedEvent

  /// A message about an event.
  public init(_ event: RecordedEvent, mesh: String?, observer: String?) {
    (self.event, self.mesh, self.observer) = (event, mesh, observer)
    text = observer.map { "\($0): \(event.text)" } ?? event.text
  }
}

/// When to try again what a hook did not take.
public enum HookRetry {
  /// Attempts that an event is worth: some fourteen minutes.
  public static let attempts = 10
  private static let longest = Duration.seconds(300)

  /// How long to wait after so many attempts; nil: no more.
  public static func delay(afterAttempt attempt: Int) -> Duration? {
    attempt < attempts ? min(.seconds(1 << (attempt - 1)), longest) : nil
  }
}
