// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: pbxlink contributors

import ArgumentParser
import CLinux
import FoundationEssentials
import Glibc
import LinkLab

/// `pbxlink-lab carry`: the process that is an office's line.
struct Carry: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Carry frames between two TAP devices as a bad line would.", shouldDisplay: false)

  @Argument(help: "The file that says what the line does; it is read again and again.")
  var settings: String

  @Argument(help: "The two TAP devices.")
  var devices: [String]

  /// Milliseconds between two looks at the file.
  private static let look: Int32 = 100

  func run() throws {
    let taps = try devices.map { device in
      let descriptor = clinux_open_tap(device)
      guard descriptor >= 0 else {
        throw LabError.notStarted(command: "line \(device)", reason: String(cString: strerror(errno)))
      }
      return descriptor
    }
    let start = ContinuousClock.now
    var random = SystemRandomNumberGenerator()
    var queues = taps.map { _ in LineQueue(Line()) }
    var looked: Duration?
    var buffer = [UInt8](repeating: 0, count: 65_536)
    while true {
      var now = ContinuousClock.now - start
      if looked.map({ now - $0 >= .milliseconds(Int(Self.look)) }) ?? true {
        looked = now
        let line = try JSONDecoder().decode(Line.self, from: Data(contentsOf: URL(filePath: settings)))
        for index in queues.indices { queues[index].line = line }
      }
      let wait = queues.compactMap(\.next).min().map { max(0, ($0 - now) / .milliseconds(1)) }
      var polled = taps.map { pollfd(fd: $0, events: Int16(POLLIN), revents: 0) }
      poll(&polled, nfds_t(polled.count), min(wait.map { Int32($0.rounded(.up)) } ?? Self.look, Self.look))
      now = ContinuousClock.now - start
      for index in taps.indices {
        while case let count = read(taps[index], &buffer, buffer.count), count > 0 {
          let frame = Array(buffer[..<count])
          if queues[index].line.concerns(frame) {
            queues[index].enter(frame, at: now, using: &random)
          } else {
            _ = write(taps[1 - index], frame, frame.count)
          }
        }
        // What came in at one end goes out at the other; a full device loses it.
        for frame in queues[index].leave(at: now) { _ = write(taps[1 - index], frame, frame.count) }
      }
    }
  }
}
