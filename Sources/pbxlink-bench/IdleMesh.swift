// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: pbxlink contributors

import FoundationEssentials
import LinkLab
import PBXLinkCore
import PBXLinkSystem

/// A mesh with links from one office to all others, and more sites that nobody reaches.
struct IdleMesh {
  let hub: Office
  let far: [Office]

  /// Starts it and lets the others join.
  func link() async throws {
    note("linking \(far.count) sites")
    try await hub.run([
      "pbxlink", "init", "--mesh", "acme", "--site", hub.name.description, "--extensions",
      hub.plan.extensions[0].number, "--endpoint", "\(hub.plan.address):51820",
    ]).checked()
    for office in far {
      let number = office.plan.extensions[0].number
      let answer = try await hub.run(
        ["pbxlink", "add-site", office.name.description, "--extensions", number, "--json"]
      ).checked()
      let invited = try JSONDecoder().decode(Invited.self, from: Data(answer.standardOutput.utf8))
      try await office.run([
        "pbxlink", "join", invited.invitation, "--endpoint", "\(office.plan.address):51820",
      ]).checked()
    }
  }

  /// Admits sites behind NAT that never come up. Each has a descriptor, so that it is linked like any other. Only the hub
  /// hears of them: were all to know them, one machine could not carry them all.
  func tell(of count: Int) async throws {
    for office in [hub] + far {
      for command in [
        "add table inet apart", "add chain inet apart output { type filter hook output priority -1; }",
        "add rule inet apart output oifname pbxlink0 tcp dport 4570 reject with tcp reset",
      ] {
        try await office.run(["nft", command]).checked()
      }
    }
    note("admitting \(count) sites more")
    let key = try await hub.run(["base64", "/var/lib/pbxlink/keys/authority"]).checked().standardOutput
    guard let bytes = Data(base64Encoded: String(key.prefix { $0 != "\n" })), let name = MeshName("acme")
    else {
      throw Command.Failure(description: "the hub has no authority key")
    }
    let authority = try Ed25519PrivateKey(Secret(bytes))
    let mesh = MeshIdentity(name: name, authority: authority.publicKey)
    let taken = try await status().peers.flatMap(\.addresses)
    let now = Timestamp(seconds: Int64(Date().timeIntervalSince1970))
    var documents: [String] = []
    for number in 0... {
      if documents.count == count { break }
      let site = try SampleSite(
        number, isPublic: false, of: mesh, signedBy: authority, using: OpenSSLCryptography(), at: now)
      if !taken.contains(site.address.description) { documents.append(site.descriptor) }
    }
    try await hub.write(documents.joined(separator: "\n") + "\n", to: "/var/tmp/sites.jws")
    // On a busy machine the command may not wait for the end of it.
    _ = try await hub.run(["pbxlink", "descriptor", "import", "/var/tmp/sites.jws"], timeout: .seconds(600))
    try await wait(for: "all sites to be known", upTo: .seconds(900), every: .seconds(5)) {
      // While all sites take in the news at once, on one machine, an agent may be late with its answer.
      (try? await status())?.peers.count == far.count + count ? () : nil
    }
  }

  /// Throws unless that is what the hub says of itself.
  func check(linked: Int, known: Int) async throws {
    let peers = try await status().peers
    let up = peers.filter { [.up, .trunkDown].contains($0.state) && $0.paths.contains { $0.state == .up } }
    guard peers.count == known, up.count == linked else {
      throw Command.Failure(
        description: "\(up.count) of \(peers.count) sites are up, \(linked) of \(known) expected")
    }
  }

  private func status() async throws -> StatusSnapshot {
    let answer = try await hub.run(["pbxlink", "status", "--json"]).checked().standardOutput
    return try JSONDecoder().decode(StatusSnapshot.self, from: Data(answer.utf8))
  }

  private struct Invited: Decodable {
    let invitation: String
  }
}
