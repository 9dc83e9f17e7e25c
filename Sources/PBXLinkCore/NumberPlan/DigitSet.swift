// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: pbxlink contributors

/// The digits allowed at one position of an extension; bit n stands for digit n.
struct DigitSet: OptionSet, Hashable {
  let rawValue: UInt16

  /// Asterisk's letters: X is 0-9, Z is 1-9, N is 2-9.
  static let x = DigitSet(0...9)
  static let z = DigitSet(1...9)
  static let n = DigitSet(2...9)

  init(rawValue: UInt16) { self.rawValue = rawValue }

  init(_ digits: ClosedRange<UInt8>) {
    self.init(rawValue: digits.reduce(0) { $0 | 1 << UInt16($1) })
  }

  init?(letter: Character) {
    switch letter {
    case "X", "x": self = .x
    case "Z", "z": self = .z
    case "N", "n": self = .n
    default:
      guard let digit = Self.digit(letter) else { return nil }
      self.init(digit...digit)
    }
  }

  /// The value of an ASCII digit; `Character.wholeNumberValue` would take digits of other scripts too.
  static func digit(_ letter: Character) -> UInt8? {
    letter.asciiValue.flatMap { (0x30...0x39).contains($0) ? $0 - 0x30 : nil }
  }

  var digits: [UInt8] { (0...9).filter { rawValue >> UInt16($0) & 1 == 1 } }

  /// The shortest notation: a digit, a letter, or a class such as [0-4] or [02-57].
  var notation: String {
    switch self {
    case .x: return "X"
    case .z: return "Z"
    case .n: return "N"
    default: break
    }
    let digits = digits
    if digits.count == 1 { return "\(digits[0])" }
    var runs: [ClosedRange<UInt8>] = []
    for digit in digits {
      if let last = runs.last, last.upperBound + 1 == digit {
        runs[runs.count - 1] = last.lowerBound...digit
      } else {
        runs.append(digit...digit)
      }
    }
    let text = runs.map { run in
      switch run.count {
      case 1: "\(run.lowerBound)"
      case 2: "\(run.lowerBound)\(run.upperBound)"
      default: "\(run.lowerBound)-\(run.upperBound)"
      }
    }
    return "[\(text.joined())]"
  }
}
