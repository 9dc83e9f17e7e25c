// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: pbxlink contributors

internal import CLinux
internal import FoundationEssentials
internal import Glibc
internal import PBXLinkCore

/// Documents in files of the admin's.
public enum DocumentFile {
  /// The documents in a file, or on standard input for "-"; see ``DocumentLines``.
  public static func documents(in path: String) throws -> [String] {
    DocumentLines.documents(in: try text(of: path))
  }

  /// The one document in a file.
  public static func document(in path: String) throws -> String {
    let documents = try documents(in: path)
    guard let document = documents.first, documents.count == 1 else {
      throw Failure("\(path): \(documents.count) documents, one expected", .dataError)
    }
    return document
  }

  /// The text of a file, or what is on standard input for "-". Larger ones than the agent would take are refused
  /// unread.
  public static func text(of path: String) throws -> String {
    if path == "-" { return Array(AnyIterator { readLine() }).joined(separator: "\n") }
    var status = clinux_status()
    guard clinux_stat(path, &status) == 0 else {
      throw Failure("\(path) cannot be read: \(String(cString: strerror(errno)))", .noInput)
    }
    guard status.mode & S_IFMT == S_IFREG || status.mode & S_IFMT == S_IFIFO, status.size <= exchangeBodyLimit
    else {
      throw Failure("\(path) is no file of documents: it has \(status.size) bytes, or is no file", .dataError)
    }
    do {
      return String(decoding: try Data(contentsOf: URL(filePath: path)), as: UTF8.self)
    } catch {
      throw Failure("\(path) cannot be read: \(error)", .noInput)
    }
  }

  /// Writes documents, one a line under a line for people; "-" is standard output. A file that is there is replaced.
  public static func write(_ documents: [String], under heading: String, to path: String) throws {
    let text = (["# \(heading)"] + documents).map { $0 + "\n" }.joined()
    guard path != "-" else { return print(text, terminator: "") }
    do {
      try Data(text.utf8).write(to: URL(filePath: path), options: .atomic)
    } catch {
      throw Failure("\(path) cannot be written: \(error)", .cannotCreate)
    }
  }

  /// Has the errors about what is in a file name it.
  public static func naming<Result>(_ path: String, _ body: () async throws -> Result) async throws -> Result
  {
    do {
      return try await body()
    } catch {
      let failure = Failure(error)
      guard [.dataError, .noPermission].contains(failure.exitCode) else { throw failure }
      throw Failure("\(path): \(failure.message)", failure.exitCode)
    }
  }
}
