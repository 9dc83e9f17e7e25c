// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: pbxlink contributors

import FoundationEssentials
public import PBXLinkCore

/// Several offices, each with a real Asterisk, around an internet, on one machine.
public struct Lab: Sendable {
  /// What to bring up besides networks.
  public struct Options: Sendable {
    /// The folder that holds the `pbxlink` command; without it, no office has the command.
    public var binaries: String?
    /// Whether each office's agent is started.
    public var startsAgents = true
    /// Whether a healthy lab of the same name is taken down first; one left by a crash always is.
    public var replaces = true
    /// Whether each office is a Debian 12 of its own without `pbxlink`, as a package finds it, instead of this machine seen
    /// through its own `/etc`, `/var` and `/run`.
    public var areServers = false
    /// Offices whose Asterisk is there and does not run.
    public var withoutAsterisk: Set<SiteName> = []

    /// Agents where there is a `pbxlink`, in place of any lab of the same name.
    public init(binaries: String? = nil, startsAgents: Bool = true, replaces: Bool = true) {
      self.binaries = binaries
      self.startsAgents = startsAgents
      self.replaces = replaces
    }
  }

  /// The name, by which others find it.
  public let name: String
  /// The file it was made from.
  public let file: LabFile
  /// In the order of the file.
  public let offices: [Office]
  /// The network between them.
  let internet: Anchor
  /// The routers of the offices behind NAT, by `<office>-router`.
  let routers: [Anchor]

  init(_ state: LabState, internet: Anchor, _ directory: LabDirectory) {
    name = directory.name
    self.internet = internet
    routers = state.routers
    file = state.file
    offices = state.file.offices.compactMap { plan in
      state.offices.first { $0.name == plan.name.description }.map {
        Office(plan: plan, anchor: $0, directory: directory)
      }
    }
  }

  /// An office by its name.
  /// - Throws: ``LabError/office(name:problem:)``
  public func office(_ name: SiteName) throws -> Office {
    guard let office = offices.first(where: { $0.name == name }) else {
      let known = offices.map(\.name.description).joined(separator: ", ")
      throw LabError.office(
        name: name.description, problem: "is not in lab \(self.name), which has: \(known)")
    }
    return office
  }

  /// An office by its name.
  public func office(named name: String) throws -> Office {
    guard let site = SiteName(name) else {
      throw LabError.office(name: name, problem: "is not a site name")
    }
    return try office(site)
  }

  /// The office that has an extension.
  public func office(with number: String) -> Office? {
    offices.first { $0.plan.extensions.contains { $0.number == number } }
  }

  /// A lab that is up.
  /// - Throws: ``LabError/lab(name:problem:)`` when it is not, or has crashed.
  public static func attach(_ name: String) throws -> Lab {
    let directory = LabDirectory(name: name)
    guard let state = try LabState.load(directory) else {
      throw LabError.lab(name: name, problem: "is not up; start it with 'pbxlink-lab up'")
    }
    guard state.isHealthy, let internet = state.internet else {
      throw LabError.lab(name: name, problem: "has crashed; start it again with 'pbxlink-lab up'")
    }
    return Lab(state, internet: internet, directory)
  }

  /// The names of the labs on this machine, and whether each is whole.
  public static func list() throws -> [(name: String, isHealthy: Bool)] {
    guard FileManager.default.fileExists(atPath: LabDirectory.labs) else { return [] }
    return try FileManager.default.contentsOfDirectory(atPath: LabDirectory.labs).sorted().compactMap {
      name in
      try LabState.load(LabDirectory(name: name)).map { (name, $0.isHealthy) }
    }
  }
}

extension LabState {
  /// Whether it came up to the end and nothing has died since.
  var isHealthy: Bool { isComplete && anchors.allSatisfy(\.isAlive) }
}
