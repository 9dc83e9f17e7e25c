// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: pbxlink contributors

/// A base chain that filters what comes in.
public struct InputChain: Hashable, Sendable {
  /// Its name for people, such as `chain INPUT of table ip filter`.
  public let name: String
  /// Whether it drops what no rule accepts: by its policy or by its last rule.
  public let dropsByDefault: Bool
  /// The words of all rules of its table: a rule may be in a chain that it jumps to.
  public let words: Set<String>

  /// The chains in what `nft --stateless list ruleset` prints, without ours.
  public static func chains(inRuleset text: String) -> [Self] {
    var found: [Self] = []
    var table: [[Substring]] = []
    for line in text.split(whereSeparator: \.isNewline) {
      let words = line.split { $0 == " " || $0 == "\t" }
      if words.first == "table", line.first == "t" {
        found += chains(inTable: table)
        table = []
      }
      table.append(words)
    }
    return found + chains(inTable: table)
  }

  private static func chains(inTable lines: [[Substring]]) -> [Self] {
    guard let heading = lines.first, heading.first == "table", heading.count >= 3 else { return [] }
    let table = heading[1...2].joined(separator: " ")
    guard table != "inet pbxlink" else { return [] }
    let words = Set(lines.joined().map(plain))
    var found: [Self] = []
    var chain: Substring?
    var policy: Bool?
    var last: [Substring] = []
    for line in lines.dropFirst() {
      if line.first == "chain", line.count >= 2 {
        chain = line[1]
        policy = nil
        last = []
      } else if line.starts(with: ["type", "filter", "hook", "input"]) {
        policy = line.contains("drop;")
      } else if line == ["}"] {
        if let name = chain, let policy {
          found.append(
            Self(
              name: "chain \(name) of table \(table)", dropsByDefault: policy || isUnconditionalDrop(last),
              words: words))
        }
        chain = nil
      } else {
        last = line
      }
    }
    return found
  }

  /// Whether a rule drops everything; a counter before the verdict is no condition.
  private static func isUnconditionalDrop(_ rule: [Substring]) -> Bool {
    let verdict = rule.first == "counter" ? rule.dropFirst() : rule[...]
    return verdict.first == "drop" || verdict.first == "reject"
  }

  fileprivate static func plain(_ word: Substring) -> String {
    String(word.filter { !"\",;{}".contains($0) })
  }
}

extension InputChain {
  /// The chain in what `iptables-legacy --list-rules` prints; nil where there is none.
  public init?(legacyRules text: String, command: String) {
    let lines = text.split(whereSeparator: \.isNewline).map { $0.split(separator: " ") }
    let input = lines.filter { $0.dropFirst().first == "INPUT" }
    guard !input.isEmpty else { return nil }
    name = "chain INPUT of \(command)"
    dropsByDefault =
      input.contains { $0.first == "-P" && $0.last == "DROP" }
      || [["-j", "DROP"], ["-j", "REJECT"]].contains { input.last?.dropFirst(2).starts(with: $0) == true }
    words = Set(lines.joined().map(Self.plain))
  }
}
