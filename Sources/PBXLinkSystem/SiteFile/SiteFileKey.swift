// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: pbxlink contributors

internal import PBXLinkCore
internal import Yams

/// One key of the site file: the reader, the error messages and the commented example all follow this table.
struct SiteFileKey: Sendable {
  let section: String
  let name: String
  let comment: String
  /// What stands behind the key in the example when the site has no value of its own.
  let example: String
  /// Reads a node into a configuration; throws the node that is wrong, and why.
  let read: @Sendable (Node, inout Configuration) throws(SiteFileProblem) -> Void
  /// The value as YAML; nil when it is absent or empty.
  let yaml: @Sendable (Configuration) -> String?

  var path: String { "\(section).\(name)" }

  /// A key with one value.
  static func one<Value: Sendable>(
    _ section: String, _ name: String, _ path: any WritableKeyPath<Configuration, Value> & Sendable,
    _ kind: SiteFileKind<Value>, _ comment: String
  ) -> Self {
    let example = Self.quoted(kind.text(Configuration()[keyPath: path]))
    return Self(section: section, name: name, comment: comment, example: example) {
      node, configuration throws(SiteFileProblem) in
      guard let value = try values(node, kind).first else { return }
      configuration[keyPath: path] = value
    } yaml: {
      quoted(kind.text($0[keyPath: path]))
    }
  }

  /// A key that may be absent and has no default.
  static func optional<Value: Sendable>(
    _ section: String, _ name: String, _ path: any WritableKeyPath<Configuration, Value?> & Sendable,
    _ kind: SiteFileKind<Value>, example: String, _ comment: String
  ) -> Self {
    Self(section: section, name: name, comment: comment, example: example) {
      node, configuration throws(SiteFileProblem) in
      configuration[keyPath: path] = try values(node, kind).first
    } yaml: {
      $0[keyPath: path].map { quoted(kind.text($0)) }
    }
  }

  /// A key with a list of values.
  static func list<Value: Sendable>(
    _ section: String, _ name: String, _ path: any WritableKeyPath<Configuration, [Value]> & Sendable,
    _ kind: SiteFileKind<Value>, example: String, _ comment: String
  ) -> Self {
    Self(section: section, name: name, comment: comment, example: example) {
      node, configuration throws(SiteFileProblem) in
      guard case .sequence(let items) = node else {
        throw SiteFileProblem(node, "expected a list, such as \(example), found \(node.summary)")
      }
      var list: [Value] = []
      for item in items { list += try values(item, kind) }
      configuration[keyPath: path] = list
    } yaml: {
      let list = $0[keyPath: path]
      return "[\(list.map { quoted(kind.text($0)) }.joined(separator: ", "))]"
    }
  }

  private static func values<Value: Sendable>(
    _ node: Node, _ kind: SiteFileKind<Value>
  ) throws(SiteFileProblem) -> [Value] {
    let isQuoted = node.scalar.map { $0.style == .singleQuoted || $0.style == .doubleQuoted } ?? false
    guard let scalar = node.scalar, isQuoted || !node.isNull, !(isQuoted && kind.isBare) else {
      throw SiteFileProblem(node, "expected \(kind.expected), found \(node.summary)")
    }
    do throws(SiteFileRefusal) {
      return try kind.parse(scalar.string)
    } catch {
      throw SiteFileProblem(node, error.reason ?? "expected \(kind.expected), found \(node.summary)")
    }
  }

  /// Quotes what YAML could take for something else, such as the brackets of 3[0-4]XX.
  private static func quoted(_ text: String) -> String {
    let isPlain =
      text.utf8.allSatisfy {
        switch $0 {
        case 0x30...0x39, 0x41...0x5a, 0x61...0x7a, 0x2d...0x2f, 0x5f: true
        default: false
        }
      } && text.first != "-" && !text.isEmpty && !["null", "Null", "NULL"].contains(text)
    guard !isPlain else { return text }
    return "\"\(text.replacing("\\", with: "\\\\").replacing("\"", with: "\\\""))\""
  }
}

/// What is wrong with a node.
struct SiteFileProblem: Error {
  let mark: Mark?
  let text: String
  init(_ node: Node, _ text: String) { (mark, self.text) = (node.mark, text) }
}

extension Node {
  var isNull: Bool {
    scalar.map { $0.style == .plain && ["", "~", "null", "Null", "NULL"].contains($0.string) } ?? false
  }

  /// The node in a few words, for an error.
  var summary: String {
    switch self {
    case .mapping: "a mapping"
    case .sequence: "a list"
    case .alias: "an alias"
    case .scalar where isNull: "nothing"
    case .scalar(let scalar):
      scalar.style == .plain ? "'\(scalar.string.prefix(60))'" : "\"\(scalar.string.prefix(60))\""
    }
  }
}
