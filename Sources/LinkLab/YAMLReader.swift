// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: pbxlink contributors

import Yams

/// Strict reading of YAML: every refusal names file, line and column.
struct YAMLReader {
  let path: String

  func error(_ node: Node, _ problem: String) -> LabError {
    let place = node.mark.map { ":\($0.line):\($0.column)" } ?? ""
    return .file(place: path + place, problem: problem)
  }

  func document(_ text: String) throws -> Node {
    do {
      if let node = try Yams.compose(yaml: text) { return node }
    } catch let failure as YamlError {
      throw LabError.file(place: path, problem: "is not YAML: \(failure)")
    }
    throw LabError.file(place: path, problem: "is empty")
  }

  func mapping(_ node: Node, keys: [String]) throws -> Map {
    guard let mapping = node.mapping else { throw error(node, "expected keys and values") }
    for (key, _) in mapping where !keys.contains(key.string ?? "") {
      throw error(key, "unknown key '\(key.string ?? "?")'; known: \(keys.joined(separator: ", "))")
    }
    return Map(reader: self, node: node, mapping: mapping)
  }

  func choice<Value: RawRepresentable & CaseIterable>(_ node: Node, key: String) throws -> Value
  where Value.RawValue == String {
    if let value = node.string.flatMap(Value.init(rawValue:)) { return value }
    let known = Value.allCases.map(\.rawValue).joined(separator: ", ")
    throw error(node, "'\(key)' must be one of: \(known)")
  }

  /// One mapping and its values.
  struct Map {
    let reader: YAMLReader
    let node: Node
    let mapping: Node.Mapping

    func optional<Value>(_ key: String, _ form: String, _ parse: (String) -> Value?) throws -> Value? {
      guard let node = mapping[key] else { return nil }
      guard let value = node.string.flatMap(parse) else {
        throw reader.error(node, "'\(key)' must be \(form)")
      }
      return value
    }

    func value<Value>(_ key: String, _ form: String, _ parse: (String) -> Value?) throws -> Value {
      guard let value = try optional(key, form, parse) else {
        throw reader.error(node, "'\(key)' is missing: \(form)")
      }
      return value
    }

    func choice<Value: RawRepresentable & CaseIterable>(_ key: String) throws -> Value?
    where Value.RawValue == String {
      try mapping[key].map { try reader.choice($0, key: key) }
    }

    func sequence(_ key: String) throws -> [Node] {
      guard let node = mapping[key] else { throw reader.error(node, "'\(key)' is missing: a list") }
      guard let sequence = node.sequence else { throw reader.error(node, "'\(key)' must be a list") }
      return Array(sequence)
    }

    func entries(_ key: String) throws -> [(Node, Node)] {
      guard let node = mapping[key] else { throw reader.error(node, "'\(key)' is missing: keys and values") }
      guard let mapping = node.mapping else { throw reader.error(node, "'\(key)' must be keys and values") }
      return mapping.map { ($0.key, $0.value) }
    }
  }
}
