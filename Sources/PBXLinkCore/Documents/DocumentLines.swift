// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: pbxlink contributors

/// Documents in a text file, one JWS a line; blank lines and lines that begin with "#" do not count.
public enum DocumentLines {
  /// The documents. Marks of quoted mail and white space around a line are taken away, and a document that a mail
  /// program has broken into several lines is put together. What is no document stays a line, to be refused.
  public static func documents(in text: String) -> [String] {
    var documents: [String] = []
    for line in text.split(whereSeparator: \.isNewline).map(unquoted) {
      guard let first = line.first, first != "#" else { continue }
      if let last = documents.last, isCutShort(last), line.utf8.allSatisfy(isPart) {
        documents[documents.count - 1] = last + line
      } else {
        documents.append(String(line))
      }
    }
    return documents
  }

  private static func unquoted(_ line: Substring) -> Substring {
    var line = line.drop { $0.isWhitespace || $0 == ">" }
    while line.last?.isWhitespace == true { line.removeLast() }
    return line
  }

  /// An Ed25519 signature has 86 characters of base64url; a document in which there are fewer goes on.
  private static func isCutShort(_ text: String) -> Bool {
    guard text.hasPrefix("eyJ"), text.utf8.allSatisfy(isPart) else { return false }
    let parts = text.split(separator: ".", omittingEmptySubsequences: false)
    return parts.count < 3 || (parts.count == 3 && parts[2].utf8.count < 86)
  }

  private static func isPart(_ byte: UInt8) -> Bool {
    (0x30...0x39).contains(byte) || (0x41...0x5a).contains(byte) || (0x61...0x7a).contains(byte)
      || byte == 0x2d || byte == 0x2e || byte == 0x5f
  }
}
