// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: pbxlink contributors

/// Runs something that may hang and ends it, by cancellation, when its time is over; then `late` is thrown.
func withTimeLimit<Result: Sendable>(
  _ limit: Duration, late: any Error, _ body: @escaping @Sendable () async throws -> Result
) async throws -> Result {
  try await withThrowingTaskGroup { group in
    group.addTask { try await body() }
    group.addTask {
      try await Task.sleep(for: limit)
      throw late
    }
    defer { group.cancelAll() }
    guard let result = try await group.next() else { throw late }
    return result
  }
}
