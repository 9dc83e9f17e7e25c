// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: pbxlink contributors

public import PBXLinkCore

extension Lab {
  /// Gives offices other public addresses, as a provider does overnight; their routers' for those behind NAT.
  public func readdress(_ changes: [(office: Office, address: IPAddress)]) async throws {
    for (office, address) in changes {
      let host = routers.first { $0.name == "\(office.name)-router" } ?? office.anchor
      try await host.runAll([
        ["ip", "address", "flush", "dev", "eth0", "scope", "global"],
        ["ip", "address", "add", file.internet.interface(address), "dev", "eth0"],
        ["ip", "route", "replace", "default", "via", "\(file.gateway)"],
      ])
    }
  }

  /// Moves an office behind NAT to another network: another address, and a router that masquerades in another way.
  public func move(_ office: Office, to address: IPAddress, behind network: LabFile.Network) async throws {
    guard let router = routers.first(where: { $0.name == "\(office.name)-router" }) else { return }
    try await Router.configure(router, isSymmetric: network == .symmetric)
    try await readdress([(office, address)])
  }
}
