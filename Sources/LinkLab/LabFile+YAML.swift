// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: pbxlink contributors

import FoundationEssentials
public import PBXLinkCore
import Yams

extension LabFile {
  /// Reads a lab file strictly, and the site files that lie beside it as `<office>.yaml`.
  /// - Throws: ``LabError/file(place:problem:)`` with file, line and column.
  public init(path: String) throws {
    let text: String
    do {
      text = try String(contentsOfFile: path, encoding: .utf8)
    } catch {
      throw LabError.file(place: path, problem: "cannot be read: \(error)")
    }
    let directory = path.split(separator: "/", omittingEmptySubsequences: false).dropLast()
      .joined(separator: "/")
    try self.init(yaml: text, path: path) { office in
      let siteFile = (directory.isEmpty ? "" : directory + "/") + "\(office).yaml"
      guard FileManager.default.fileExists(atPath: siteFile) else { return nil }
      return try String(contentsOfFile: siteFile, encoding: .utf8)
    }
  }

  /// Reads the text of a lab file; `path` is for messages.
  public init(yaml: String, path: String, siteFile: (SiteName) throws -> String? = { _ in nil }) throws {
    let reader = YAMLReader(path: path)
    let root = try reader.mapping(reader.document(yaml), keys: ["name", "internet", "offices"])
    name = try root.value("name", "a DNS label") { SiteName($0) }
    internet = try root.value("internet", "an IPv4 prefix of 8 to 29 bits such as 198.51.100.0/24") {
      IPPrefix($0).flatMap { $0.family == .v4 && (8...29).contains($0.length) ? $0 : nil }
    }
    offices = []
    for item in try root.sequence("offices") {
      let office = try Office(reader.mapping(item, keys: Office.keys), internet: internet, siteFile: siteFile)
      if let other = offices.first(where: { $0.name == office.name || $0.address == office.address }) {
        throw reader.error(item, "office \(office.name) has the name or the address of \(other.name)")
      }
      offices.append(office)
    }
    guard !offices.isEmpty else { throw reader.error(root.node, "'offices' is empty; a lab needs one") }
  }
}

extension LabFile.Office {
  fileprivate static let keys = ["name", "network", "address", "lan", "asterisk", "extensions"]

  fileprivate init(
    _ map: YAMLReader.Map, internet: IPPrefix, siteFile: (SiteName) throws -> String?
  ) throws {
    name = try map.value("name", "a DNS label") { SiteName($0) }
    network = try map.choice("network") ?? .public
    address = try map.value("address", "a host of \(internet) other than its first") {
      IPAddress($0).flatMap { internet.contains($0) && $0 > internet.host(1) ? $0 : nil }
    }
    lan =
      try map.optional("lan", "an IPv4 prefix of 8 to 28 bits") {
        IPPrefix($0).flatMap { $0.family == .v4 && (8...28).contains($0.length) ? $0 : nil }
      } ?? IPPrefix(IPAddress(family: .v4, value: 0xc0a8_0100), length: 24) ?? internet
    release = try map.choice("asterisk") ?? .sid
    extensions = try map.entries("extensions").map { number, node in
      guard let digits = number.string, (2...15).contains(digits.count), digits.allSatisfy(\.isNumber) else {
        throw map.reader.error(number, "an extension is 2 to 15 digits; quote it: \"201\"")
      }
      return LabFile.Extension(number: digits, service: try map.reader.choice(node, key: digits))
    }
    guard !extensions.isEmpty else { throw map.reader.error(map.node, "office \(name) has no extensions") }
    self.siteFile = try siteFile(name)
  }
}
