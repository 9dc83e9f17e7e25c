// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: pbxlink contributors

import FoundationEssentials
public import PBXLinkCore

extension Office {
  /// The addresses of the office's interfaces.
  public func addresses() async throws -> [String: [IPAddress]] {
    struct Link: Decodable {
      struct Address: Decodable { let local: String? }
      let ifname: String
      let addr_info: [Address]
    }
    let json = try await anchor.run(["ip", "-json", "address", "show"]).checked().standardOutput
    let links = try JSONDecoder().decode([Link].self, from: Data(json.utf8))
    return Dictionary(
      links.map { ($0.ifname, $0.addr_info.compactMap { $0.local.flatMap { IPAddress($0) } }) },
      uniquingKeysWith: +)
  }

  /// The interface by which packets to an address leave.
  func interface(towards address: IPAddress?) async throws -> String? {
    struct Route: Decodable { let dev: String? }
    guard let address else { return nil }
    let json = try await anchor.run(["ip", "-json", "route", "get", "\(address)"]).checked().standardOutput
    return try JSONDecoder().decode([Route].self, from: Data(json.utf8)).first?.dev
  }
}
