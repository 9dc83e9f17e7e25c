// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: pbxlink contributors

internal import Dispatch

extension DispatchSourceTimer {
  /// Fires once after a time; nil: not at all.
  func fire(after wait: Duration?) {
    guard let wait = wait.map({ max(.zero, $0).components }) else {
      return schedule(deadline: .distantFuture)
    }
    schedule(
      deadline: .now() + .seconds(Int(wait.seconds)) + .nanoseconds(Int(wait.attoseconds / 1_000_000_000)),
      leeway: .milliseconds(1))
  }
}
