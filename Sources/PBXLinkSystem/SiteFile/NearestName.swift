// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: pbxlink contributors

/// The known name that was probably meant: at most a third of its letters away.
func nearest(to name: String, in known: [String]) -> String? {
  let name = Array(name.lowercased().replacing("-", with: "_"))
  let distances = known.map { ($0, editDistance(name, Array($0))) }
  return distances.filter { $0.1 <= max(1, $0.0.count / 3) }.min { $0.1 < $1.1 }?.0
}

/// Insertions, deletions, substitutions and swaps of neighbours (optimal string alignment).
private func editDistance(_ left: [Character], _ right: [Character]) -> Int {
  var rows = [Array(0...right.count)]
  for (index, letter) in left.enumerated() {
    var row = [index + 1]
    for (column, other) in right.enumerated() {
      var best = min(
        rows[index][column] + (letter == other ? 0 : 1), row[column] + 1, rows[index][column + 1] + 1)
      if index > 0, column > 0, letter == right[column - 1], left[index - 1] == other {
        best = min(best, rows[index - 1][column - 1] + 1)
      }
      row.append(best)
    }
    rows.append(row)
  }
  return rows[left.count][right.count]
}
