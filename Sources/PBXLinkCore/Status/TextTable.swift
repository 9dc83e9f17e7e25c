// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: pbxlink contributors

/// A table of left-aligned columns for a terminal: a heading and rows of the same width.
public struct TextTable: Sendable {
  /// The column headings.
  public let heading: [String]
  /// The cells, row by row.
  public var rows: [[String]]

  /// A table with no or some rows.
  public init(_ heading: [String], rows: [[String]] = []) {
    self.heading = heading
    self.rows = rows
  }

  /// The lines, columns two blanks apart, without trailing blanks.
  public var lines: [String] {
    let widths = heading.indices.map { column in ([heading] + rows).map { $0[column].count }.max() ?? 0 }
    return ([heading] + rows).map { row in
      let padded = zip(row, widths).map { cell, width in
        cell + String(repeating: " ", count: width - cell.count)
      }
      var line = padded.joined(separator: "  ")
      while line.last == " " { line.removeLast() }
      return line
    }
  }
}
