// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: pbxlink contributors

import Dispatch
import Glibc

/// Runs `body` and cancels it on SIGINT or SIGTERM, so that it cleans up as on any other failure.
func untilInterrupted<Value: Sendable>(
  _ body: @escaping @Sendable () async throws -> Value
) async throws -> Value {
  let task = Task { try await body() }
  let sources = [SIGINT, SIGTERM].map { number in
    // A handler instead of SIG_IGN: programs started from here begin with the default action again.
    signal(number) { _ in }
    let source = DispatchSource.makeSignalSource(signal: number)
    source.setEventHandler { task.cancel() }
    source.resume()
    return source
  }
  defer { for source in sources { source.cancel() } }
  return try await task.value
}
