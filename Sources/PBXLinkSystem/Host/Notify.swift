// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: pbxlink contributors

internal import Glibc
internal import NIOCore

/// Tells the service manager how we are (sd_notify(3)); says nothing where there is none.
enum Notify {
  /// Start-up is finished.
  static func ready(status: String) { send("READY=1\nSTATUS=\(status)") }
  /// The main loop turns; systemd restarts a service that stops saying so (WatchdogSec=).
  static func alive(status: String) { send("WATCHDOG=1\nSTATUS=\(status)") }
  /// A reload begins; CLOCK_MONOTONIC in microseconds lets systemd tell reloads apart.
  static func reloading() {
    send("RELOADING=1\nMONOTONIC_USEC=\(NIODeadline.now().uptimeNanoseconds / 1000)")
  }
  /// The service ends; links stay.
  static func stopping() { send("STOPPING=1") }

  private static func send(_ message: String) {
    guard let path = getenv("NOTIFY_SOCKET").map({ String(cString: $0) }),
      var target = UnixSocket.address(path)
    else {
      return
    }
    let descriptor = socket(AF_UNIX, Int32(SOCK_DGRAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
    guard descriptor >= 0 else { return }
    defer { close(descriptor) }
    let length = MemoryLayout<sa_family_t>.size + path.utf8.count
    _ = withUnsafePointer(to: &target) { pointer in
      pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
        sendto(descriptor, message, message.utf8.count, Int32(MSG_NOSIGNAL), $0, socklen_t(length))
      }
    }
  }
}
