// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: pbxlink contributors

/// One meaningful line of a configuration file of Asterisk's, as its `config.c` reads it.
public struct AsteriskConfigLine: Hashable, Sendable {
  /// A file and a line in it, counted from 1.
  public struct Location: Hashable, Sendable, CustomStringConvertible {
    /// The file.
    public let file: String
    /// The line.
    public let line: Int
    /// `file:line`.
    public var description: String { "\(file):\(line)" }
  }

  /// What the line says.
  public enum Content: Hashable, Sendable {
    /// `[name]` with what stands in the parentheses behind it.
    case section(name: String, modifiers: [String])
    /// `key = value` or `key => value`; an object's arrow makes no difference to most readers.
    case entry(key: String, value: String)
    /// `#include` or, not required, `#tryinclude`.
    case include(path: String, isRequired: Bool)
    /// Asterisk reads nothing more of this file from here on.
    case broken(reason: String)
  }

  /// Where it stands.
  public let location: Location
  /// What it says.
  public let content: Content

  /// A line that was read, or found missing.
  public init(location: Location, content: Content) {
    self.location = location
    self.content = content
  }

  /// The lines of one file; comments, empty lines and lines that Asterisk skips are left out.
  public static func lines(of text: String, file: String) -> [Self] {
    var result: [Self] = []
    var commentDepth = 0
    let lines = text.split(omittingEmptySubsequences: false) { $0 == "\n" || $0 == "\r\n" }
    for (index, raw) in lines.enumerated() {
      let line = trimmed(withoutComment(Substring(raw), depth: &commentDepth))
      guard !line.isEmpty, let content = content(of: line) else { continue }
      result.append(Self(location: Location(file: file, line: index + 1), content: content))
      if case .broken = content { break }
    }
    return result
  }

  /// Takes `; …` and `;-- … --;` away; `\;` is a semicolon.
  private static func withoutComment(_ line: Substring, depth: inout Int) -> Substring {
    var kept = ""
    var rest = line
    while let letter = rest.first {
      if depth > 0 {
        if rest.hasPrefix("--;") { depth -= 1 }
        rest = rest.dropFirst(rest.hasPrefix("--;") ? 3 : 1)
      } else if letter == "\\" && rest.dropFirst().first == ";" {
        kept += ";"
        rest = rest.dropFirst(2)
      } else if rest.hasPrefix(";--") && rest.dropFirst(3).first != "-" {
        depth += 1
        rest = rest.dropFirst(3)
      } else if letter == ";" {
        break
      } else {
        kept.append(letter)
        rest = rest.dropFirst()
      }
    }
    return kept[...]
  }

  private static func content(of line: Substring) -> Content? {
    switch line.first {
    case "[": return section(line)
    case "#": return directive(line.dropFirst())
    default:
      guard let sign = line.firstIndex(of: "=") else { return nil }
      var value = line[line.index(after: sign)...]
      if value.first == ">" { value = value.dropFirst() }
      var key = line[..<sign]
      if key.last == "+" { key = key.dropLast() }
      return .entry(key: String(trimmed(key)).lowercased(), value: String(trimmed(value)))
    }
  }

  private static func section(_ line: Substring) -> Content {
    guard let end = line.firstIndex(of: "]") else {
      return .broken(reason: "the section '\(line.prefix(40))' has no ']'")
    }
    let name = String(line[line.index(after: line.startIndex)..<end])
    let rest = line[line.index(after: end)...]
    guard rest.first == "(" else { return .section(name: name, modifiers: []) }
    guard let close = rest.firstIndex(of: ")") else {
      return .broken(reason: "the section '\(name)' has no ')'")
    }
    let modifiers = rest[..<close].dropFirst().split(separator: ",").map { String(trimmed($0)) }
    return .section(name: name, modifiers: modifiers)
  }

  private static func directive(_ line: Substring) -> Content? {
    let word = line.prefix { !isSpace($0) }
    let path = trimmed(line.dropFirst(word.count))
    guard ["include", "tryinclude"].contains(word.lowercased()) else { return nil }
    let bare = path.first.map { "\"<'".contains($0) } == true ? path.dropFirst().dropLast() : path
    return .include(path: String(bare), isRequired: word.lowercased() == "include")
  }

  private static func isSpace(_ letter: Character) -> Bool {
    letter == " " || letter == "\t" || letter == "\r"
  }

  private static func trimmed(_ text: Substring) -> Substring {
    var text = text
    while let first = text.first, isSpace(first) { text.removeFirst() }
    while let last = text.last, isSpace(last) { text.removeLast() }
    return text
  }
}
