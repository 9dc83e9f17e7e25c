// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: pbxlink contributors

import FoundationEssentials
import PBXLinkCore

extension Lab {
  /// Changes what an office's line to the Internet does to packets.
  /// - Parameter program: the `pbxlink-lab` that carries the packets from now on, until the lab ends.
  public func setLine(of office: Office, to line: Line, carriedBy program: String) async throws {
    guard let index = file.offices.firstIndex(where: { $0.name == office.plan.name }) else {
      throw LabError.office(name: office.name.description, problem: "is not in lab \(name)")
    }
    let directory = LabDirectory(name: name)
    let settings = "\(directory.path)/line-\(office.name).json"
    try JSONEncoder().encode(line).write(to: URL(filePath: settings), options: .atomic)
    let host = routers.first { $0.name == "\(office.name)-router" } ?? office.anchor
    let (near, far, port) = ("line\(index + 1)", "far\(index + 1)", "port\(index + 1)")
    if try await isCarried(by: far) { return }
    for device in [near, far] {
      try await internet.run(["ip", "tuntap", "add", "dev", device, "mode", "tap"]).checked()
    }
    let log = directory.log("line-\(office.name)")
    let detached = #"log=$1; shift; setsid "$@" </dev/null >>"$log" 2>&1 &"#
    try await HostCommand.run(
      ["sh", "-c", detached, "sh", log] + internet.entering([program, "carry", settings, near, far])
    ).checked()
    try await internet.runAll([["ip", "link", "set", near, "up"], ["ip", "link", "set", far, "up"]])
    try await wait(for: "the line of \(office.name) to be carried (see \(log))", upTo: .seconds(10)) {
      let isReady = try await (isCarried(by: near), isCarried(by: far))
      return isReady == (true, true) ? () : nil
    }
    // The cable goes, with the host's end, and the line takes its place.
    try await internet.run(["ip", "link", "delete", port]).checked()
    try await HostCommand.run([
      "nsenter", "--target", "\(internet.process.pid)", "--net", "--",
      "ip", "link", "set", near, "netns", "\(host.process.pid)", "name", "eth0",
    ]).checked()
    try await internet.run(["ip", "link", "set", far, "master", "internet", "up"]).checked()
    try await host.runAll([
      ["ip", "address", "add", file.internet.interface(office.plan.address), "dev", "eth0"],
      ["ip", "link", "set", "eth0", "up"],
      ["ip", "route", "add", "default", "via", "\(file.gateway)"],
    ])
  }

  /// Whether a process is at the other end of a TAP device.
  private func isCarried(by device: String) async throws -> Bool {
    try await internet.run(["ip", "link", "show", device]).standardOutput.contains("LOWER_UP")
  }
}
