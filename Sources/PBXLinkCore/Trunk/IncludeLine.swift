// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: pbxlink contributors

/// The one line of ours in a file of Asterisk's, at its end: put in and taken out so that the rest of the
/// file keeps every byte.
///
/// `#tryinclude`, because a missing `#include` stops the whole module from loading. Last, because keys that
/// follow would belong to our last section.
public struct IncludeLine: Hashable, Sendable {
  private let line: [UInt8]
  private static let newline = UInt8(ascii: "\n")

  /// The line for one of our files.
  public init(_ file: TrunkFile) { line = Array(Self.text(for: file).utf8) }

  static func text(for file: TrunkFile) -> String { "#tryinclude pbxlink/\(file)" }

  /// An editor may have left spaces or a carriage return behind the line.
  private func isOurs(_ other: ArraySlice<UInt8>) -> Bool {
    other.starts(with: line) && other.dropFirst(line.count).allSatisfy { [0x20, 0x09, 0x0d].contains($0) }
  }

  /// Whether the file ends in our line and has it once.
  public func isInstalled(in bytes: [UInt8]) -> Bool {
    let lines = bytes.split(separator: Self.newline, omittingEmptySubsequences: false)
    let last = lines.last?.isEmpty == true ? lines.dropLast().last : lines.last
    return last.map(isOurs) == true && lines.count(where: isOurs) == 1
  }

  /// The file with our line at its end. A file without a final newline is left without one, which tells
  /// ``removed(from:)`` that the newline before our line is ours too.
  public func installed(in bytes: [UInt8]) -> [UInt8] {
    if isInstalled(in: bytes) { return bytes }
    let rest = removed(from: bytes)
    if rest.isEmpty { return line }
    return rest.last == Self.newline ? rest + line + [Self.newline] : rest + [Self.newline] + line
  }

  /// The file without our line, wherever it is.
  public func removed(from bytes: [UInt8]) -> [UInt8] {
    var lines = bytes.split(separator: Self.newline, omittingEmptySubsequences: false)
    lines.removeAll(where: isOurs)
    return Array(lines.joined(separator: [Self.newline]))
  }
}
