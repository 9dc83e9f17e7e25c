// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: pbxlink contributors

internal import PBXLinkCore
internal import Yams

/// Walks the nodes of one site file.
struct SiteFileReader {
  let file: String

  func configuration(_ text: String) throws(SiteFileError) -> Configuration {
    var configuration = Configuration()
    var places: [String: Node] = [:]
    guard let root = try compose(text), !root.isNull else { return configuration }
    for (section, node) in try entries(root, of: nil, known: SiteFile.sections.map(\.name)) {
      let keys = SiteFile.keys.filter { $0.section == section }
      guard !node.isNull else { continue }
      for (name, value) in try entries(node, of: section, known: keys.map(\.name)) {
        guard let key = keys.first(where: { $0.name == name }) else { continue }
        places[key.path] = value
        do throws(SiteFileProblem) {
          try key.read(value, &configuration)
        } catch {
          throw problem(error.text, at: error.mark, key: key.path)
        }
      }
    }
    try checkNumbers(configuration, at: places["numbers.extensions"])
    try checkPorts(configuration, places)
    try checkPaths(configuration, at: places["tunnel.paths"])
    return configuration
  }

  /// The entries of a mapping, all of them known.
  private func entries(
    _ node: Node, of section: String?, known: [String]
  ) throws(SiteFileError) -> [(String, Node)] {
    guard case .mapping(let mapping) = node else {
      let list = known.prefix(3).joined(separator: ", ")
      throw problem("expected keys such as \(list), found \(node.summary)", at: node.mark, key: section)
    }
    var entries: [(String, Node)] = []
    for (key, value) in mapping {
      let name = key.scalar?.string ?? key.summary
      guard known.contains(name) else {
        let hint =
          nearest(to: name, in: known).map { "did you mean '\($0)'?" }
          ?? "expected one of \(known.joined(separator: ", "))"
        throw problem("unknown key; \(hint)", at: key.mark, key: (section.map { "\($0)." } ?? "") + name)
      }
      entries.append((name, value))
    }
    return entries
  }

  private func checkNumbers(_ configuration: Configuration, at node: Node?) throws(SiteFileError) {
    guard case .sequence(let items) = node else { return }
    for item in items {
      do throws(NumberPlanError) {
        try configuration.numbers.emergency.check(try ExtensionPattern.parse(item.scalar?.string ?? ""))
      } catch {
        throw problem(error.description, at: item.mark, key: "numbers.extensions")
      }
    }
  }

  /// Two services cannot share a port.
  private func checkPorts(_ configuration: Configuration, _ places: [String: Node]) throws(SiteFileError) {
    let services = [
      ("UDP", "trunk.port", configuration.trunk.port),
      ("UDP", "tunnel.listen_port", configuration.tunnel.listenPort),
      ("UDP", "probe.port", configuration.probePort), ("TCP", "exchange.port", configuration.exchangePort),
      ("TCP", "openvpn.listen_port", configuration.openVPN.listenPort),
    ]
    for (number, (transport, key, port)) in services.enumerated() {
      guard let other = services[..<number].first(where: { $0.0 == transport && $0.2 == port }) else {
        continue
      }
      throw problem(
        "\(transport) port \(port) is also that of \(other.1); choose another one",
        at: (places[key] ?? places[other.1])?.mark, key: key)
    }
  }

  private func checkPaths(_ configuration: Configuration, at node: Node?) throws(SiteFileError) {
    guard !configuration.tunnel.paths.isEmpty,
      Set(configuration.tunnel.paths).count == configuration.tunnel.paths.count
    else {
      throw problem("name one path at least, and each once", at: node?.mark, key: "tunnel.paths")
    }
    guard configuration.tunnel.paths != [.relay] else {
      throw problem(
        "name a path to the relay too, such as wireguard", at: node?.mark, key: "tunnel.paths")
    }
  }

  private func compose(_ text: String) throws(SiteFileError) -> Node? {
    do {
      return try Yams.compose(yaml: text)
    } catch let error as YamlError {
      throw syntax(error, text)
    } catch {
      throw SiteFile.whole(file, "cannot be read as YAML: \(error)")
    }
  }

  private func syntax(_ error: YamlError, _ text: String) -> SiteFileError {
    switch error {
    case .scanner(let context, let problem, let mark, _), .parser(let context, let problem, let mark, _),
      .composer(let context, let problem, let mark, _):
      let reason = [context?.text, problem].compactMap(\.self).joined(separator: ", ")
      return self.problem("not YAML: \(reason)", at: mark, key: nil)
    case .duplicatedKeysInMapping(let duplicates, let context):
      let key = duplicates.min() ?? ""
      let lines = text.split(omittingEmptySubsequences: false, whereSeparator: \.isNewline)
      // Yams knows where the mapping begins; in block style the second mention begins a line of its own.
      let mentions = lines.indices.filter {
        $0 >= context.mark.line - 1 && lines[$0].drop { $0 == " " }.hasPrefix("\(key):")
      }
      guard mentions.count > 1 else { return problem("given twice; keep one", at: context.mark, key: key) }
      return SiteFileError(
        file: file, line: mentions[1] + 1, column: lines[mentions[1]].prefix { $0 == " " }.count + 1,
        key: key,
        problem: "given twice, first in line \(mentions[0] + 1); keep one")
    default:
      return SiteFile.whole(file, "not YAML: \(error)")
    }
  }

  private func problem(_ text: String, at mark: Mark?, key: String?) -> SiteFileError {
    SiteFileError(file: file, line: mark?.line, column: mark?.column, key: key, problem: text)
  }
}
