// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: pbxlink contributors

import LinkLab
import PBXLinkCore
import Testing

@Suite("Lab file") struct LabFileTests {
  private static let office = """
    - name: paris
      address: 198.51.100.10
      extensions: {"201": tone}
    """

  private func read(internet: String = "198.51.100.0/24", offices: String = office) throws -> LabFile {
    try LabFile(yaml: "name: test\ninternet: \(internet)\noffices:\n\(offices)\n", path: "lab.yaml")
  }

  @Test("what is left out has its default")
  func defaults() throws {
    let office = try #require(try read().offices.first)
    #expect(office.network == .public)
    #expect(office.release == .sid)
    #expect(office.lan.description == "192.168.1.0/24")
    #expect(office.extensions.map(\.number) == ["201"])
    #expect(try read().gateway == IPAddress("198.51.100.1"))
  }

  @Test("the example is right, and its site files are found")
  func example() throws {
    let file = try LabFile(path: Repository.path("sites/three-offices/lab.yaml"))
    #expect(file.offices.map(\.name.description) == ["paris", "lyon", "nice"])
    #expect(file.offices.map(\.network) == [.public, .nat, .nat])
    #expect(file.offices.allSatisfy { $0.siteFile?.contains("local_context: local-extensions") == true })
  }

  @Test(
    "a mistake is refused with its place and what would be right",
    arguments: [
      ("- {name: p, adress: 198.51.100.9}", "lab.yaml:4:13: unknown key 'adress'; known: name, network,"),
      ("- {name: Paris}", "lab.yaml:4:10: 'name' must be a DNS label"),
      ("- {name: p, network: dsl}", "lab.yaml:4:22: 'network' must be one of: public, nat"),
      (
        "- {name: p, address: 203.0.113.9}",
        "'address' must be a host of 198.51.100.0/24 other than its first"
      ),
      ("- {name: p, address: 198.51.100.1}", "'address' must be a host of 198.51.100.0/24"),
      ("- {name: p, address: 198.51.100.9, asterisk: buster}", "'asterisk' must be one of: sid, bullseye"),
      ("- {name: p, address: 198.51.100.9}", "'extensions' is missing"),
      ("- {name: p, address: 198.51.100.9, extensions: {}}", "office p has no extensions"),
      ("- {name: p, address: 198.51.100.9, extensions: {2XX: tone}}", "an extension is 2 to 15 digits"),
      ("- {name: p, address: 198.51.100.9, extensions: {\"201\": fax}}", "'201' must be one of: tone, echo,"),
      (office + "\n" + office, "lab.yaml:7:3: office paris has the name or the address of paris"),
      ("  []", "'offices' is empty"),
      ("- {name: [", "lab.yaml: is not YAML:"),
    ])
  func mistakes(offices: String, message: String) {
    let error = #expect(throws: LabError.self) { try read(offices: offices) }
    #expect(error?.description.contains(message) == true, "\(String(describing: error))")
  }

  @Test(
    "an internet without room for hosts is refused", arguments: ["198.51.100.0/30", "2001:db8::/64", "x"])
  func internet(prefix: String) {
    let error = #expect(throws: LabError.self) { try read(internet: prefix) }
    #expect(error?.description.contains("lab.yaml:2:11: 'internet' must be an IPv4 prefix") == true)
  }
}
