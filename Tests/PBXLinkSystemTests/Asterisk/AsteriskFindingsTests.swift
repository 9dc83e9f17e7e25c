// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: pbxlink contributors

import Foundation
import PBXLinkCore
import Testing

@testable import PBXLinkSystem

@Suite("The admin's own files")
struct AsteriskFindingsTests {
  private func failure(
    _ files: [String: String], managerPort: UInt16 = 5038, without missing: String? = nil
  ) async throws -> String? {
    let directory = try ConfigurationDirectory(files)
    if let missing { try FileManager.default.removeItem(atPath: "\(directory.path)/\(missing)") }
    let plane = try directory.plane()
    let names = try directory.names()
    let configuration = try ConfigurationDirectory.configuration(peers: ["b"], managerPort: managerPort)
    let error = await #expect(throws: AsteriskError.self) { try await plane.apply(configuration) }
    #expect(try directory.names() == names, "nothing may be changed")
    return error?.description.replacing(directory.path, with: "ETC")
  }

  @Test("a name of ours is refused with the file and line, through includes")
  func clash() async throws {
    let text = try await failure([
      "iax.conf": "[general]\n#include \"more/*.conf\"\n#tryinclude missing.conf\n",
      "users.conf": "[general]\n",
      "extensions.conf": "#include <deep.conf>\n", "deep.conf": "\n[plk-outbound]\n",
    ])
    #expect(text?.hasPrefix("ETC/deep.conf:2: the section [plk-outbound] has a name of pbxlink's") == true)
    let users = try await failure(["users.conf": "[plk_b]\nhasiax=yes\n"])
    #expect(users?.hasPrefix("ETC/users.conf:1: the section [plk_b]") == true)
  }

  @Test("what cuts our line off is refused with the file and line")
  func cutOff() async throws {
    let unclosed = try await failure(["iax.conf": "[general]\n[x\n"])
    #expect(unclosed?.hasPrefix("ETC/iax.conf:2: the section '[x' has no ']'") == true)
    let missing = try await failure(["extensions.conf": "#include gone.conf\n"])
    #expect(missing?.hasPrefix("ETC/extensions.conf:1: includes ETC/gone.conf, which does not exist") == true)
  }

  @Test("an error in a file that the admin includes is a warning")
  func brokenInclude() async throws {
    let directory = try ConfigurationDirectory([
      "iax.conf": "#include sub.conf\n[general]\n", "sub.conf": "[x](+)\n",
    ])
    let plane = try directory.plane()
    let configuration = try ConfigurationDirectory.configuration(peers: ["b"])
    #expect(try await !plane.apply(configuration).isEmpty)
    let warnings = configuration.warnings(for: try await plane.observe(), port: 4569).map(\.description)
    #expect(warnings.contains { $0.contains("/sub.conf:1: [x](+) refers to [x]") })
  }

  @Test("another manager port and a missing file are told")
  func settings() async throws {
    let port = try await failure(["manager.conf": "[general]\nenabled=yes\nport=5039\n"])
    #expect(port?.hasPrefix("ETC/manager.conf:3: Asterisk's manager interface uses port 5039") == true)
    #expect(try await failure([:], without: "iax.conf")?.hasPrefix("ETC/iax.conf does not exist") == true)
  }

  @Test("where the manager interface is off, our file turns it on for loopback", arguments: [true, false])
  func manager(isOn: Bool) async throws {
    let directory = try ConfigurationDirectory([
      "manager.conf": "[general]\nenabled = \(isOn ? "yes" : "no")\nbindaddr=0.0.0.0\n"
    ])
    _ = try await directory.plane().apply(try ConfigurationDirectory.configuration(peers: []))
    let ours = try directory.text("pbxlink/manager.conf")
    #expect(ours.contains("[general](+)\nenabled=yes\nbindaddr=127.0.0.1\n") == !isOn)
  }

  @Test("includes that go in a circle end")
  func circle() throws {
    let directory = try ConfigurationDirectory(["iax.conf": "[a]\n#include iax.conf\n"])
    #expect(try directory.installation.findings()[.iax]?.sections == ["a"])
  }

  @Test("the kernel's list of UDP sockets is read")
  func sockets() {
    let text = """
        sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode
        106: 00000000:EC11 00000000:0000 07 00000000:00000000 00:00000000 00000000   101        0 89401 2
       9778: 0100007F:11D9 00000000:0000 07 00000000:00000000 00:00000000 00000000   101        0 89407 2
      """
    #expect(UDPSockets.ports(in: text) == [0xec11, 4569])
  }

  @Test("the listing of a dialplan is read by context")
  func dialplan() {
    let listing = """
      [ Context 'phones' created by 'pbx_config' ]
        Include =>        'plk-outbound'                                [pbx_config]

      [ Context 'plk-outbound' created by 'pbx_config' ]
        '_2XX' =>         1. Gosub(plk-call,s,1(${EXTEN},plk_b,b,2))    [extensions.conf:40]
                          2. Goto(plk-end,${GOSUB_RETVAL},1)            [extensions.conf:41]
        '911' =>          hint: SIP/1                                   [pbx_lua]
        Alt. Switch =>    'Lua/'                                        [pbx_lua]

      -= 2 extensions (3 priorities) in 2 contexts. =-
      """
    #expect(AsteriskCommandLine.contexts(in: listing) == ["phones": [], "plk-outbound": ["_2XX", "911"]])
  }

  @Test("a host without Asterisk is told so")
  func noCommand() async throws {
    let directory = try ConfigurationDirectory([:])
    let plane = AsteriskTrunkPlane(
      installation: directory.installation,
      commandLine: AsteriskCommandLine(executable: "asterisk-that-is-not-there"))
    await #expect(throws: AsteriskError.commandMissing) { try await plane.observe() }
  }
}
