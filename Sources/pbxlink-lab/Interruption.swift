// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: pbxlink contributors

import ArgumentParser
import Dispatch
import Glibc

/// Runs `body` and cancels it on SIGINT or SIGTERM, so that it cleans up as on any other failure.
/// - Throws: what `body` throws, or the exit status of an interrupted program.
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
  do {
    return try await task.value
  } catch {
    if task.isCancelled { throw ExitCode(128 + SIGINT) }
    throw error
  }
}
