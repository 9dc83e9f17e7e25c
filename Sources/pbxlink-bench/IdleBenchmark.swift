// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: pbxlink contributors

import FoundationEssentials
import LinkLab
import PBXLinkCore
import PBXLinkSystem

/// What a site of a large mesh costs while nothing happens: the agent beside nebula and tincd, which know as many
/// hosts and have links to the same ones, on the same hosts at the same time.
struct IdleBenchmark {
  private static let name = "pbxlink-bench-idle"
  private static let programs = ["pbxlink", "wireguard-go", "nebula", "tincd"]
  private let binaries: String
  private let knownSites: Int
  private let linkedSites: Int
  private let duration: Duration
  private let file: LabFile

  /// - Parameters:
  ///   - binaries: the folder that holds the `pbxlink` to measure.
  ///   - knownSites: how many sites it knows; all but the linked ones are off.
  ///   - linkedSites: how many of them are up.
  ///   - duration: how long it is watched.
  init(
    binaries: String, knownSites: Int = 500, linkedSites: Int = 20, duration: Duration = .seconds(120)
  ) throws {
    for program in ["bin/nebula", "bin/nebula-cert", "sbin/tincd"]
    where !FileManager.default.isExecutableFile(atPath: "/usr/\(program)") {
      throw Command.Failure(
        description: "/usr/\(program) is missing: apt-get install --no-install-recommends nebula tinc")
    }
    (self.binaries, self.knownSites, self.linkedSites) = (binaries, knownSites, linkedSites)
    self.duration = duration
    let offices = (0...linkedSites).map { number in
      """
        - name: site-\(number)
          address: 198.51.100.\(10 + number)
          extensions:
            "\(200 + number)": echo

      """
    }
    file = try LabFile(
      yaml: "name: \(Self.name)\ninternet: 198.51.100.0/24\noffices:\n\(offices.joined())", path: "offices")
  }

  func run() async throws {
    // An Asterisk for each office would cost the machine more than all that is measured.
    var options = Lab.Options(binaries: binaries)
    options.withoutAsterisk = Set(file.offices.dropFirst().map(\.name))
    let lab = try await Lab.up(file, name: Self.name, options: options)
    do {
      try await measure(lab)
    } catch {
      try await Lab.down(Self.name)
      throw error
    }
    try await Lab.down(Self.name)
  }

  private func measure(_ lab: Lab) async throws {
    let hub = lab.offices[0]
    try await Nebula(lab.offices, known: knownSites).start()
    try await Tinc(lab.offices, known: knownSites).start()
    let mesh = IdleMesh(hub: hub, far: Array(lab.offices.dropFirst()))
    try await mesh.link()
    try await mesh.tell(of: knownSites - linkedSites)
    note("waiting six minutes: those that are off are then looked for as seldom as they ever are")
    try await Task.sleep(for: .seconds(360))
    try await mesh.check(linked: linkedSites, known: knownSites)
    let before = try await usages(in: hub)
    try await Task.sleep(for: duration)
    let after = try await usages(in: hub)
    try await mesh.check(linked: linkedSites, known: knownSites)
    print("| program | resident | its share of what it shares | of a core | with the commands that it runs |")
    print("|---|---|---|---|---|")
    for (program, (before, after)) in zip(Self.programs, zip(before, after)) {
      let (own, all) = (after.time - before.time, after.timeWithChildren - before.timeWithChildren)
      print(
        "| \(program) | \(megabytes(after.resident)) | \(megabytes(after.proportional)) "
          + "| \(percent(own / duration)) | \(percent(all / duration)) |")
    }
  }

  private func usages(in office: Office) async throws -> [ProcessUsage] {
    var usages: [ProcessUsage] = []
    for program in Self.programs { usages.append(try await ProcessUsage(of: program, in: office)) }
    return usages
  }

  private func megabytes(_ bytes: Int) -> String { decimal(Double(bytes) / 1e6, places: 1) + " MB" }
  private func percent(_ part: Double) -> String { decimal(part * 100, places: 2) + " %" }
}

/// What a process has used so far, by proc(5).
struct ProcessUsage {
  /// Bytes of memory, and the same with each shared page divided among those that share it.
  let resident, proportional: Int
  /// Processor time, and the same with that of its children that have ended.
  let time, timeWithChildren: Duration

  /// Of the one process of a name.
  init(of program: String, in office: Office) async throws {
    let found = try await office.run(["pgrep", "--exact", program]).standardOutput.split(separator: "\n")
    guard found.count == 1, let pid = found.first else {
      throw Command.Failure(
        description: "\(found.count) processes '\(program)' in \(office.name), 1 expected")
    }
    let memory = try office.read("/proc/\(pid)/smaps_rollup").split(separator: "\n")
    func bytes(_ key: String) -> Int {
      let words = memory.first { $0.hasPrefix(key) }?.split(separator: " ") ?? []
      return 1024 * (words.count > 1 ? Int(words[1]) ?? 0 : 0)
    }
    (resident, proportional) = (bytes("Rss:"), bytes("Pss:"))
    // The name may hold anything, so count from its end; utime is field 14, in ticks of 10 ms.
    let fields = try office.read("/proc/\(pid)/stat").split(separator: ")").last?.split(separator: " ") ?? []
    let ticks = fields.dropFirst(11).prefix(4).compactMap { Int($0) }
    guard ticks.count == 4, resident > 0 else {
      throw Command.Failure(description: "process '\(program)' in \(office.name) has ended")
    }
    time = .milliseconds(10 * (ticks[0] + ticks[1]))
    timeWithChildren = .milliseconds(10 * ticks.reduce(0, +))
  }
}
