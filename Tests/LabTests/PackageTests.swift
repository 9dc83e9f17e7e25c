// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: pbxlink contributors

import FoundationEssentials
import LinkLab
import PBXLinkCore
import Testing

/// What scripts/package has built, on two servers with Debian 12 and nothing of ours.
@Suite("The package", .serialized, .timeLimit(.minutes(10)), .servers("test-package"))
struct PackageTests {
  let mesh: LinkedLab
  private let package: String

  init() throws {
    mesh = try #require(LinkedLab.current)
    let directory = Repository.path(".build/package")
    let files = try FileManager.default.contentsOfDirectory(atPath: directory)
    package = try directory + "/" + #require(files.first { $0.hasSuffix(".deb") }, "run scripts/package")
  }

  /// Everything on an office's disk but what dpkg keeps for itself.
  private func files(of office: Office) async throws -> Set<Substring> {
    let list = try await office.shell(
      "find / -xdev ! -path '/var/lib/dpkg/*' ! -path '/var/log/*' ! -path '/var/cache/*' ! -path '/root/*'"
    ).checked().standardOutput
    return Set(list.split(separator: "\n"))
  }

  private func install(_ package: String, in office: Office) async throws {
    try office.copy(package, to: "/root/pbxlink.deb")
    try await office.shell("dpkg --install /root/pbxlink.deb && rm /root/pbxlink.deb").checked()
  }

  /// Starts the agent as its unit does: no systemd runs here.
  private func startUnit(in office: Office) async throws {
    let unit = try office.read("/lib/systemd/system/pbxlink.service")
    let command = try #require(unit.firstMatch(of: /\nExecStart=(.+)\n/)?.1)
    #expect(command == "/usr/bin/pbxlink agent")
    try await office.startAgent()
  }

  @Test(
    "installed on two servers it links them with three commands; calls go both ways, while it is upgraded too; removed it leaves what was promised and can be installed again, purged it leaves nothing"
  )
  func life() async throws {
    let (paris, lyon) = (try mesh.paris, try mesh.lyon)
    let before = try await files(of: paris)
    for office in [paris, lyon] {
      try await install(package, in: office)
      try await startUnit(in: office)
    }
    // As docs/monitoring/README.md copies them.
    let rules = "/usr/share/doc/pbxlink/monitoring/pbxlink-alerts.yml"
    #expect(try paris.read(rules).contains("alert: PbxlinkPeerDown"))
    let contexts = ["--local-context", "local-extensions", "--phone-context", "phones"]
    try await paris.run(
      ["pbxlink", "init", "--mesh", "acme", "--site", "paris", "--extensions", "2XX"]
        + ["--endpoint", "\(paris.plan.address):51820"] + contexts
    ).checked()
    let invitation = try await mesh.invitation(for: lyon, extensions: "3XX")
    try await lyon.run(["pbxlink", "join", invitation] + contexts).checked()
    try await mesh.waitForLink(paris, lyon)
    for (caller, number) in [(paris, "301"), (lyon, "201")] {
      let record = try await mesh.lab.call(from: caller, to: number)
      #expect(record.gaps(interface: "pbxlink0").isEmpty)
    }

    let call = try await paris.call("301")
    let channels = try await lyon.liveTrunkChannels(with: "paris")
    #expect(channels.count == 1)
    let upgrade = try await newerPackage(in: lyon)
    try await lyon.stopAgent()
    try await lyon.shell("dpkg --install \(upgrade) && rm \(upgrade)").checked()
    #expect(try await lyon.shell("dpkg-query --show pbxlink").standardOutput.hasSuffix("+next\n"))
    try await startUnit(in: lyon)
    try await mesh.waitForLink(paris, lyon)
    #expect(try await lyon.liveTrunkChannels(with: "paris") == channels)
    #expect(
      try await mesh.lab.finish(call, record: mesh.lab.record(of: call)).gaps(interface: "pbxlink0").isEmpty)

    let removal = try await paris.shell("dpkg --remove pbxlink").checked()
    #expect(removal.standardOutput.contains("pbxlink authority export"))
    try await paris.stopAgent()
    #expect(
      try await paris.shell("nft list tables; ip -brief link").standardOutput.contains("pbxlink") == false)
    #expect(try await paris.shell("grep --recursive pbxlink /etc/asterisk").standardOutput == "")
    let kept = try await files(of: paris).subtracting(before)
    // The last ones are Debian's own notes that the service was wanted.
    let promised = ["/var/lib/pbxlink", "/etc/pbxlink", "/etc/systemd/", "/var/lib/systemd/"]
    #expect(kept.allSatisfy { path in promised.contains { path.hasPrefix($0) } }, "\(kept)")
    #expect(kept.contains("/var/lib/pbxlink/keys/authority") && kept.contains("/etc/pbxlink/pbxlink.yaml"))

    try await install(package, in: paris)
    try await startUnit(in: paris)
    try await paris.run(["pbxlink", "apply"]).checked()
    try await mesh.waitForLink(paris, lyon)
    try await paris.shell("dpkg --remove pbxlink").checked()
    try await paris.stopAgent()
    try await lyon.stopAgent("KILL")
    let warned = try await lyon.shell("dpkg --remove pbxlink").checked()
    #expect(warned.standardError.contains("links that it has made stay up"))
    try await paris.shell("dpkg --purge pbxlink").checked()
    let after = try await files(of: paris)
    #expect(after == before, "\(after.symmetricDifference(before))")
  }

  /// The same package with a higher version, in an office.
  private func newerPackage(in office: Office) async throws -> String {
    let directory = "/root/next"
    try office.copy(package, to: "/root/pbxlink.deb")
    try await office.shell(
      """
      dpkg-deb --raw-extract /root/pbxlink.deb \(directory)
      sed -i 's/^Version: .*/&+next/' \(directory)/DEBIAN/control
      dpkg-deb --build \(directory) \(directory).deb
      rm -r \(directory) /root/pbxlink.deb
      """
    ).checked()
    return directory + ".deb"
  }
}
