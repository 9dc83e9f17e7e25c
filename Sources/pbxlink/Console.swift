// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: pbxlink contributors

import ArgumentParser
import FoundationEssentials
import Glibc
import PBXLinkCore
import PBXLinkSystem

/// Standard output and error, for people at a terminal and for programs.
enum Console {
  /// Whether colours help: a terminal that does not forbid them (no-color.org).
  static let hasColours = isatty(STDOUT_FILENO) == 1 && getenv("NO_COLOR") == nil

  /// Prints JSON, keys sorted.
  static func print(json value: some Encodable) throws {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
    Swift.print(String(decoding: try encoder.encode(value), as: UTF8.self))
  }

  /// Prints JSON on one line.
  static func print(jsonLine value: some Encodable) throws {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
    Swift.print(String(decoding: try encoder.encode(value), as: UTF8.self))
  }

  /// Prints lines; those that begin with "!" stand out.
  static func print(_ lines: [String]) {
    for line in lines { Swift.print(coloured(line)) }
  }

  /// A line as it is shown on this terminal, which obeys nothing in it.
  static func coloured(_ line: String) -> String {
    let line = line.printable
    let isAlert = line.drop { $0 == " " }.hasPrefix("!")
    return isAlert && hasColours ? "\u{1b}[33m\(line)\u{1b}[0m" : line
  }

  /// Hands on what was printed to whoever reads it from a pipe.
  static func flush() { fflush(nil) }

  /// Writes a line to standard error.
  static func complain(_ text: String) {
    var line = Array((text + "\n").utf8)
    while !line.isEmpty {
      let written = write(STDERR_FILENO, line, line.count)
      guard written > 0 else { return }
      line.removeFirst(written)
    }
  }

  /// Asks a question that only "yes" answers with yes.
  static func confirm(_ question: String) -> Bool {
    Swift.print(question + " Type yes: ", terminator: "")
    return readLine() == "yes"
  }
}

/// A command whose errors end in a message and an exit code by sysexits.h.
protocol ReportingCommand: AsyncParsableCommand {
  /// The work.
  func execute() async throws
}

extension ReportingCommand {
  func run() async throws {
    do {
      try await execute()
    } catch let error as ArgumentParser.ExitCode {
      throw error
    } catch let error as ValidationError {
      throw error
    } catch {
      let failure = Failure(error)
      Console.complain("pbxlink: \(failure.message)")
      throw ArgumentParser.ExitCode(failure.exitCode.rawValue)
    }
  }
}
