// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: pbxlink contributors

/// Which changes wait because a call would hear them.
///
/// What costs nothing runs at once, and so does what takes a link away on purpose. Anything between waits until
/// the links that it disrupts carry no call, but no longer than ``deadline``.
public struct HeldChanges: Hashable, Sendable {
  /// Seconds after which a change is made although there are calls.
  public static let deadline: Int64 = 600

  /// Since when each change, by its description, has been waiting.
  private var since: [String: Timestamp] = [:]

  /// Nothing waits.
  public init() {}

  /// The changes that may be made now, in their order, and those that wait.
  ///
  /// - Parameter calls: how many calls the links that a change disrupts carry.
  public mutating func select<Change: DisruptiveChange>(
    _ changes: [Change], at now: Timestamp, calls: (Change) -> Int
  ) -> (due: [Change], held: [Change]) {
    var due: [Change] = []
    var held: [Change] = []
    var waiting: [String: Timestamp] = [:]
    for change in changes {
      let start = since[change.description] ?? now
      // A clock that went back must not make a change wait longer than the deadline.
      let isOverdue = now < start || now - start >= Self.deadline
      let mustWait = change.expectedGap.isAudible && !isOverdue && calls(change) > 0
      guard mustWait || held.contains(where: change.needs) else {
        due.append(change)
        continue
      }
      held.append(change)
      waiting[change.description] = start
    }
    since = waiting
    return (due, held)
  }
}

/// A change that calls may hear.
public protocol DisruptiveChange: CustomStringConvertible {
  /// What it costs a call over the links that it disrupts.
  var expectedGap: ExpectedGap { get }
  /// Whether it must not be made before another one of the same plan.
  func needs(_ other: Self) -> Bool
}

extension ExpectedGap {
  /// Whether it is heard, and not the end of the call: phones conceal the loss of three packets (G.711 Appendix I
  /// takes 60 ms to fade out).
  public var isAudible: Bool { seconds > 0.06 }
}
