// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: pbxlink contributors

import Glibc
import Testing

@testable import PBXLinkSystem

@Suite("Service manager", .serialized) struct NotifyTests {
  @Test(
    "hears that we are ready, alive, reloading and ending, at a path and at an abstract address",
    arguments: ["/tmp/pbxlink-notify-\(getpid())", "@pbxlink-notify-\(getpid())"])
  func messages(path: String) throws {
    let descriptor = socket(AF_UNIX, Int32(SOCK_DGRAM.rawValue), 0)
    defer {
      close(descriptor)
      unlink(path)
      unsetenv("NOTIFY_SOCKET")
    }
    var address = try #require(UnixSocket.address(path))
    let length = socklen_t(2 + path.utf8.count)
    let bound = withUnsafePointer(to: &address) { pointer in
      pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { bind(descriptor, $0, length) }
    }
    try #require(bound == 0)
    setenv("NOTIFY_SOCKET", path, 1)
    Notify.ready(status: "site paris")
    #expect(receive(descriptor) == "READY=1\nSTATUS=site paris")
    Notify.alive(status: "2 links well.")
    #expect(receive(descriptor) == "WATCHDOG=1\nSTATUS=2 links well.")
    Notify.reloading()
    #expect(receive(descriptor).wholeMatch(of: /RELOADING=1\nMONOTONIC_USEC=[0-9]+/) != nil)
    Notify.stopping()
    #expect(receive(descriptor) == "STOPPING=1")
  }

  private func receive(_ descriptor: Int32) -> String {
    var bytes = [UInt8](repeating: 0, count: 256)
    let count = recv(descriptor, &bytes, bytes.count, Int32(MSG_DONTWAIT))
    return String(decoding: bytes.prefix(max(count, 0)), as: UTF8.self)
  }
}
