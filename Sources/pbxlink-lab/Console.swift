// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: pbxlink contributors

import Glibc
import LinkLab
import Synchronization

/// Steps with their durations on standard output; a running counter and colours on a terminal only.
final class Console: Sendable {
  private let isTerminal = isatty(STDOUT_FILENO) == 1 && getenv("TERM").map { String(cString: $0) } != "dumb"
  private let hasColour: Bool

  init() {
    // https://no-color.org: any value that is not empty turns colours off.
    hasColour = isTerminal && (getenv("NO_COLOR").map { String(cString: $0) } ?? "").isEmpty
  }

  /// Runs one step: shows that it goes on while it does, and how long it took.
  func step<Result>(
    _ title: String, _ body: (@escaping ProgressHandler) async throws -> Result
  ) async throws -> Result {
    let start = ContinuousClock.now
    let progress = Mutex(Progress())
    let ticker = Task {
      while isTerminal, !Task.isCancelled {
        draw("  \(Self.seconds(since: start))  \(title)\(progress.withLock(\.text))")
        try await Task.sleep(for: .milliseconds(100))
      }
    }
    do {
      let result = try await body { event in progress.withLock { $0.take(event) } }
      await finish(ticker, colour("✓", 32), start, title)
      return result
    } catch {
      await finish(ticker, colour("✗", 31), start, title)
      throw error
    }
  }

  func note(_ text: String) {
    for line in text.split(separator: "\n", omittingEmptySubsequences: false) { self.line("    \(line)") }
  }

  func heading(_ text: String) { line(colour(text, 1)) }

  private func finish(
    _ ticker: Task<Void, any Error>, _ mark: String, _ start: ContinuousClock.Instant, _ title: String
  ) async {
    // Its last line must not come after this one.
    ticker.cancel()
    _ = await ticker.result
    if isTerminal { draw("") }
    line("\(mark) \(Self.seconds(since: start))  \(title)")
  }

  private func line(_ text: String) {
    print(text)
    fflush(nil)
  }

  /// Replaces the line of the terminal.
  private func draw(_ text: String) {
    print("\r\u{1b}[K\(text)", terminator: "")
    fflush(nil)
  }

  private func colour(_ text: String, _ code: Int) -> String {
    hasColour ? "\u{1b}[\(code)m\(text)\u{1b}[0m" : text
  }

  private static func seconds(since start: ContinuousClock.Instant) -> String {
    let text = (ContinuousClock.now - start).inSeconds.inTenths
    return String(repeating: " ", count: max(0, 5 - text.count)) + text + " s"
  }
}

extension Double {
  /// With one decimal.
  var inTenths: String {
    let tenths = Int((self * 10).rounded())
    return "\(tenths / 10).\(tenths % 10)"
  }
}

/// What the line under way says behind its title.
private struct Progress {
  private var what = ""
  private var done: (Int, of: Int?)?

  mutating func take(_ event: LabProgress) {
    switch event {
    case .began(let step):
      what = step
      done = nil
    case .advanced(let count, let total): done = (count, total)
    }
  }

  var text: String {
    let count = done.map { done in
      guard let total = done.of, total > 0 else { return " \(done.0)" }
      let filled = min(20, done.0 * 20 / total)
      return " [" + String(repeating: "#", count: filled) + String(repeating: ".", count: 20 - filled)
        + "] \(done.0)/\(total)"
    }
    return (what.isEmpty ? "" : ": " + what) + (count ?? "")
  }
}
