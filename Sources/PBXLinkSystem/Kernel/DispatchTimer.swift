// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: pbxlink contributors

internal import Dispatch

/// A timer of a queue, which belongs to that queue.
final class DispatchTimer {
  private let source: any DispatchSourceTimer
  private let step: Duration?
  private var isRepeating = false
  private static let leeway = Duration.milliseconds(1)

  /// - Parameter step: moments that are asked for are apart by multiples of this: where one follows the other, nothing is
  ///   set, which would wake a thread. nil: they come as they will.
  init(_ queue: DispatchQueue, step: Duration? = nil, _ body: @escaping @Sendable () -> Void) {
    source = DispatchSource.makeTimerSource(queue: queue)
    self.step = step
    source.setEventHandler(handler: body)
    source.schedule(deadline: .distantFuture)
    source.activate()
  }

  /// Fires after a time; nil: not at all. What was asked for before is forgotten.
  func fire(after wait: Duration?) {
    // Whoever asks soon after it has fired gets the next step.
    if isRepeating, let step, let wait, (step - Self.leeway / 2...step).contains(wait) { return }
    isRepeating = false
    guard let wait else { return source.schedule(deadline: .distantFuture) }
    if let step, wait <= step {
      isRepeating = true
      source.schedule(
        deadline: .now() + wait.interval, repeating: step.interval, leeway: Self.leeway.interval)
    } else {
      source.schedule(deadline: .now() + wait.interval, leeway: Self.leeway.interval)
    }
  }

  func cancel() { source.cancel() }
}

extension Duration {
  /// None where it is negative.
  fileprivate var interval: DispatchTimeInterval {
    let (seconds, attoseconds) = max(.zero, self).components
    return .nanoseconds(Int(seconds * 1_000_000_000 + attoseconds / 1_000_000_000))
  }
}
