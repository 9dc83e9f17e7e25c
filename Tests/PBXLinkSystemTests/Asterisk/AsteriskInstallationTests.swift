// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: pbxlink contributors

import Foundation
import PBXLinkCore
import Testing

@testable import PBXLinkSystem

/// A configuration directory of Asterisk's that a test may change, and a command that stands for Asterisk.
final class ConfigurationDirectory {
  let path: String

  init(_ files: [String: String]) throws {
    path = FileManager.default.temporaryDirectory.appending(path: "asterisk-\(UUID().uuidString)").path
    try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
    let plain = [
      "iax.conf": "[general]\n", "extensions.conf": "[phones]\n",
      "manager.conf": "[general]\nenabled = yes\n",
    ]
    for (name, text) in plain.merging(files, uniquingKeysWith: { $1 }) { try write(text, to: name) }
  }

  deinit { try? FileManager.default.removeItem(atPath: path) }

  func write(_ text: String, to name: String) throws {
    try Data(text.utf8).write(to: URL(filePath: "\(path)/\(name)"))
    try FileManager.default.setAttributes([.posixPermissions: 0o640], ofItemAtPath: "\(path)/\(name)")
  }

  func text(_ name: String) throws -> String {
    String(decoding: try Data(contentsOf: URL(filePath: "\(path)/\(name)")), as: UTF8.self)
  }

  func names(_ name: String = "") throws -> [String] {
    try FileManager.default.contentsOfDirectory(atPath: "\(path)/\(name)").sorted()
  }

  func mode(_ name: String) throws -> Int? {
    try FileManager.default.attributesOfItem(atPath: "\(path)/\(name)")[.posixPermissions] as? Int
  }

  var installation: AsteriskInstallation { AsteriskInstallation(configurationDirectory: path) }

  /// A plane over an Asterisk that is installed and does not run.
  func plane() throws -> AsteriskTrunkPlane {
    let command = "\(path)/asterisk"
    let script = """
      #!/bin/sh
      [ "$1" = -V ] && echo 'Asterisk 22.10.1+dfsg' && exit 0
      echo 'Unable to connect to remote asterisk (does /var/run/asterisk/asterisk.ctl exist?)'
      exit 1
      """
    try Data(script.utf8).write(to: URL(filePath: command))
    try FileManager.default.setAttributes([.posixPermissions: 0o755], ofItemAtPath: command)
    return AsteriskTrunkPlane(
      installation: installation, commandLine: AsteriskCommandLine(executable: command))
  }

  static func configuration(peers names: [String], managerPort: UInt16 = 5038) throws -> TrunkConfiguration {
    let own = try #require(SiteName("a"))
    let peers = try names.enumerated().map { index, name in
      let site = try #require(SiteName(name))
      func credential(_ caller: SiteName) -> TrunkCredential {
        TrunkCredential(
          userName: TrunkNames.user(caller: caller, callerGeneration: 1, calleeGeneration: 1),
          secret: Secret([1, 2]))
      }
      return TrunkPeer(
        site: site, address: try #require(IPAddress("10.77.0.\(index + 2)")), port: 4569, callLimit: 2,
        codecs: ["ulaw"],
        encryption: true, extensions: [], outbound: credential(own), inbound: [credential(site)])
    }
    return TrunkConfiguration(
      site: own, peers: peers, ownExtensions: [], emergency: ["911"], localContext: "phones",
      phoneContexts: ["phones"],
      managerPort: managerPort, managerSecret: Secret([3, 4]))
  }
}

@Suite("Files in Asterisk's directory")
struct AsteriskInstallationTests {
  @Test("without a running Asterisk files are put in place, once, and noted as not verified")
  func stopped() async throws {
    let directory = try ConfigurationDirectory([:])
    let plane = try directory.plane()
    let configuration = try ConfigurationDirectory.configuration(peers: ["b"])
    #expect(try await plane.apply(configuration).count == 7)
    #expect(try await plane.apply(configuration).isEmpty)
    let observed = try await plane.observe()
    #expect(!observed.isRunning && !observed.isVerified && observed.version?.description == "22.10.1+dfsg")
    #expect(configuration.warnings(for: observed, port: 4569) == [.notRunning])
    #expect(try directory.text("iax.conf") == "[general]\n#tryinclude pbxlink/iax.conf\n")
    #expect(try directory.names("pbxlink") == [".unverified", "extensions.conf", "iax.conf", "manager.conf"])
    #expect(try directory.mode("pbxlink") == 0o750)
    for name in ["pbxlink/iax.conf", "pbxlink/manager.conf", "iax.conf"] {
      #expect(try directory.mode(name) == 0o640)
    }
  }

  @Test("removal gives every byte and name back, also without a final newline")
  func removal() async throws {
    let files = [
      "iax.conf": "[general]\nx=1", "extensions.conf": "", "manager.conf": "[general]\r\nenabled=yes\r\n\n",
    ]
    let directory = try ConfigurationDirectory(files)
    let plane = try directory.plane()
    let names = try directory.names()
    #expect(try await !plane.apply(try ConfigurationDirectory.configuration(peers: ["b"])).isEmpty)
    #expect(try directory.names() != names)
    // As a kill in the middle of a write leaves them.
    for name in [".iax.conf.pbxlink", "pbxlink/.extensions.conf.pbxlink", "pbxlink/..unverified.pbxlink"] {
      try directory.write("half", to: name)
    }
    try await plane.remove()
    for (name, text) in files { #expect(try directory.text(name) == text) }
    #expect(try directory.names() == names)
    try await plane.remove()
    #expect(try directory.names() == names)
  }

  @Test("owner and group of the sibling are taken over")
  func ownership() throws {
    let directory = try ConfigurationDirectory([:])
    try FileManager.default.setAttributes(
      [.ownerAccountID: 4242, .groupOwnerAccountID: 4343], ofItemAtPath: directory.path + "/iax.conf")
    try directory.installation.write("[x]\n", to: .iax)
    try directory.installation.include(.iax)
    for name in ["pbxlink", "pbxlink/iax.conf", "iax.conf"] {
      let attributes = try FileManager.default.attributesOfItem(atPath: "\(directory.path)/\(name)")
      #expect(attributes[.ownerAccountID] as? Int == 4242, "\(name)")
      #expect(attributes[.groupOwnerAccountID] as? Int == 4343, "\(name)")
    }
  }

  @Test("a snapshot puts files, lines, owners and marks back")
  func snapshot() throws {
    let directory = try ConfigurationDirectory([:])
    let installation = directory.installation
    let empty = try installation.snapshot()
    try installation.markUnverified()
    try installation.write("[x]\n", to: .iax)
    try installation.include(.iax)
    let before = try installation.snapshot()
    try FileManager.default.setAttributes([.ownerAccountID: 4242], ofItemAtPath: directory.path + "/iax.conf")
    try installation.write("[y]\n", to: .iax)
    try installation.write("[y]\n", to: .manager)
    try installation.restore(before)
    #expect(try directory.text("pbxlink/iax.conf") == "[x]\n")
    #expect(try directory.names("pbxlink") == [".unverified", "iax.conf"])
    #expect(try AsteriskFile.ownership(of: directory.path + "/pbxlink/iax.conf")?.owner != 4242)
    #expect(try AsteriskFile.ownership(of: directory.path + "/pbxlink")?.owner != 4242)
    try installation.restore(empty)
    #expect(try directory.names() == ["extensions.conf", "iax.conf", "manager.conf"])
    #expect(try directory.text("iax.conf") == "[general]\n")
  }

  @Test("FreePBX gets the lines in the files that it leaves to the admin")
  func freePBX() async throws {
    let header = "; Do NOT edit this file as it is auto-generated by FreePBX.\n"
    let directory = try ConfigurationDirectory([
      "iax.conf": header + "[general]\n#include iax_custom_post.conf\n", "iax_custom_post.conf": "",
      "extensions_custom.conf": "[from-internal-custom]\n", "manager_custom.conf": "; mine\n",
    ])
    let plane = try directory.plane()
    #expect(try await !plane.apply(try ConfigurationDirectory.configuration(peers: ["b"])).isEmpty)
    #expect(try directory.text("iax_custom_post.conf") == "#tryinclude pbxlink/iax.conf")
    #expect(
      try directory.text("extensions_custom.conf").hasSuffix("]\n#tryinclude pbxlink/extensions.conf\n"))
    #expect(try directory.text("manager_custom.conf") == "; mine\n#tryinclude pbxlink/manager.conf\n")
    #expect(try !directory.text("iax.conf").contains("tryinclude"))
    try await plane.remove()
    #expect(try directory.text("iax_custom_post.conf") == "")
  }

  @Test("a symbolic link stays a link")
  func link() throws {
    let directory = try ConfigurationDirectory(["real.conf": "[general]\n"])
    try FileManager.default.removeItem(atPath: directory.path + "/iax.conf")
    try FileManager.default.createSymbolicLink(
      atPath: directory.path + "/iax.conf", withDestinationPath: "real.conf")
    try directory.installation.include(.iax)
    #expect(
      try FileManager.default.destinationOfSymbolicLink(atPath: directory.path + "/iax.conf") == "real.conf")
    #expect(try directory.text("real.conf") == "[general]\n#tryinclude pbxlink/iax.conf\n")
  }
}
