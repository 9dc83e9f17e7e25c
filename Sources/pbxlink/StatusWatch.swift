// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: pbxlink contributors

import FoundationEssentials
import Glibc
import PBXLinkCore
import PBXLinkSystem
import UnixSignals

/// `status --watch`: the screen anew every two seconds, and keys.
struct StatusWatch {
  let client: ControlClient

  private static let interval = Duration.seconds(2)
  /// How soon a key is answered.
  private static let patience = Duration.milliseconds(50)

  /// Shows the status until a key or a signal ends it.
  func run() async throws {
    guard isatty(STDIN_FILENO) == 1, isatty(STDOUT_FILENO) == 1 else {
      throw Failure("--watch needs a terminal; programs may use --json.", .usage)
    }
    let former = try Self.takeScreen()
    let loop = Task { try await show() }
    let signals = Task {
      for await _ in await UnixSignalsSequence(trapping: .sigterm, .sighup, .sigint) { loop.cancel() }
    }
    let result = await loop.result
    signals.cancel()
    Self.giveScreenBack(former)
    do { try result.get() } catch is CancellationError {}
  }

  private func show() async throws {
    var order = StatusSnapshot.Order.name
    var status: StatusSnapshot?
    var problem: String?
    while true {
      do {
        (status, problem) = (try await client.get("/v1/status"), nil)
      } catch let failure as Failure {
        problem = failure.message
      }
      let end = ContinuousClock.now + Self.interval
      draw(status, problem, order)
      while ContinuousClock.now < end {
        while let key = Self.key() {
          // Control-C and Control-D too.
          if ["q", "\u{3}", "\u{4}"].contains(key) { return }
          guard let next = StatusSnapshot.Order(rawValue: key) else { continue }
          order = next
          draw(status, problem, order)
        }
        try await Task.sleep(for: Self.patience)
      }
    }
  }

  private func draw(_ status: StatusSnapshot?, _ problem: String?, _ order: StatusSnapshot.Order) {
    var size = winsize()
    let isKnown = ioctl(STDOUT_FILENO, UInt(TIOCGWINSZ), &size) == 0 && size.ws_row > 0
    let (rows, columns) = isKnown ? (Int(size.ws_row), Int(size.ws_col)) : (24, 80)
    let keys = StatusSnapshot.Order.allCases.map { "\($0.rawValue) \($0.words)" }.joined(separator: "  ")
    var lines = problem.map { ["! \($0)", ""] } ?? []
    lines += status?.table(by: order) ?? []
    let isCut = lines.count > rows - 2
    if isCut { lines = lines.prefix(rows - 3) + ["  … more: 'pbxlink status'"] }
    lines += Array(repeating: "", count: max(0, rows - 2 - lines.count))
    lines += ["\(status?.time ?? "")   by \(order.words)", "q quit   sort by  \(keys)"]
    // From the upper left corner, each line to its end, and what is below.
    let text = lines.map { Console.coloured(String($0.prefix(columns))) + "\u{1b}[K" }.joined(
      separator: "\r\n")
    print("\u{1b}[H\(text)\u{1b}[J", terminator: "")
    Console.flush()
  }

  /// A key that was pressed; nil for none.
  private static func key() -> Character? {
    var input = pollfd(fd: STDIN_FILENO, events: Int16(POLLIN), revents: 0)
    guard poll(&input, 1, 0) > 0 else { return nil }
    var byte: UInt8 = 0
    // A terminal that is gone is like "q".
    return read(STDIN_FILENO, &byte, 1) == 1 ? Character(UnicodeScalar(byte)) : "q"
  }

  /// The other screen (xterm's), without a cursor; keys come at once and unseen.
  private static func takeScreen() throws -> termios {
    var former = termios()
    guard tcgetattr(STDIN_FILENO, &former) == 0 else {
      throw Failure("the terminal does not answer", .osError)
    }
    var raw = former
    raw.c_lflag &= ~tcflag_t(ICANON | ECHO | ISIG)
    tcsetattr(STDIN_FILENO, TCSANOW, &raw)
    print("\u{1b}[?1049h\u{1b}[?25l", terminator: "")
    return former
  }

  private static func giveScreenBack(_ former: termios) {
    var former = former
    print("\u{1b}[?25h\u{1b}[?1049l", terminator: "")
    Console.flush()
    tcsetattr(STDIN_FILENO, TCSANOW, &former)
  }
}
