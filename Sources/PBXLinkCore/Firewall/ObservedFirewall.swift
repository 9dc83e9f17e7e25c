// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: pbxlink contributors

/// What a listing of the table says, free of layout: nft's versions wrap, sort and write elements each in
/// their own way.
public struct ObservedFirewall: Hashable, Sendable {
  /// The lines without elements, in order: rules have an order.
  public let lines: [String]
  /// The elements of each set that has any.
  public let elements: [String: Set<String>]

  /// Reads what `nft --stateless list table inet pbxlink` printed.
  public init(listing: String) {
    var lines: [String] = []
    var elements: [String: Set<String>] = [:]
    var set = ""
    var isInElements = false
    for line in listing.split(whereSeparator: \.isNewline) {
      var words = line.split(whereSeparator: \.isWhitespace)[...]
      guard let first = words.first, first.first != "#" else { continue }
      if first == "set", words.count == 3 { set = String(words[1]) }
      if words.starts(with: ["elements", "=", "{"]) {
        isInElements = true
        words = words.dropFirst(3)
      }
      guard isInElements else {
        lines.append(words.joined(separator: " "))
        continue
      }
      if words.last == "}" {
        isInElements = false
        words.removeLast()
      }
      for element in words.joined(separator: " ").split(separator: ",") {
        elements[set, default: []].insert(Self.canonical(element))
      }
    }
    self.lines = lines
    self.elements = elements
  }

  /// The table that a configuration asks for.
  public init(_ configuration: FirewallConfiguration) { self.init(listing: configuration.listing) }

  /// The addresses of a set of both families.
  func addresses(_ name: String) -> Set<IPAddress> {
    Set(
      [IPAddress.Family.v4, .v6].flatMap { family in
        (elements[FirewallTable.set(name, family)] ?? []).compactMap { element in
          element.split(separator: " ").first.flatMap { IPAddress(String($0)) }
        }
      })
  }

  /// One spelling for each address, whatever nft made of it (::ffff:192.0.2.1).
  private static func canonical(_ element: Substring) -> String {
    let words = element.split(separator: " ").map { word in
      IPPrefix(String(word)).map(FirewallConfiguration.element) ?? String(word)
    }
    return words.joined(separator: " ")
  }
}
