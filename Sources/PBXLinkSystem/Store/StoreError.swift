// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: pbxlink contributors

internal import FoundationEssentials
internal import GRDB
internal import Glibc

/// Why the store cannot be read or written. What was stored before is still there.
public enum StoreError: Error, Hashable, Sendable {
  case damaged(path: String, detail: String)
  case noPermission(path: String, detail: String)
  case full(path: String)
  case inUse(path: String)
  case newer(path: String)
  case unreadableValue(path: String, key: String, detail: String)
  case other(path: String, detail: String)

  init(errno: Int32, path: String) {
    let detail = String(cString: strerror(errno))
    self =
      switch errno {
      case EACCES, EPERM, EROFS: .noPermission(path: path, detail: detail)
      case ENOSPC, EDQUOT: .full(path: path)
      default: .other(path: path, detail: detail)
      }
  }

  init(_ error: any Error, path: String) {
    if let error = error as? StoreError {
      self = error
      return
    }
    guard let error = error as? DatabaseError else {
      let underlying = (error as? CocoaError)?.underlying as? POSIXError
      self =
        underlying.map { Self(errno: $0.code.rawValue, path: path) }
        ?? .other(path: path, detail: String(describing: error))
      return
    }
    let detail = error.message ?? error.resultCode.description
    self =
      switch error.resultCode {
      case .SQLITE_CORRUPT, .SQLITE_NOTADB, .SQLITE_FORMAT: .damaged(path: path, detail: detail)
      case .SQLITE_CANTOPEN, .SQLITE_PERM, .SQLITE_READONLY, .SQLITE_AUTH:
        .noPermission(path: path, detail: detail)
      case .SQLITE_FULL: .full(path: path)
      case .SQLITE_BUSY, .SQLITE_LOCKED: .inUse(path: path)
      default: .other(path: path, detail: detail)
      }
  }
}

extension StoreError: CustomStringConvertible, ExitCoded {
  /// What failed, on which file, and what to do.
  public var description: String {
    switch self {
    case .damaged(let path, let detail):
      "\(path) is damaged (\(detail)). Nothing was changed. Restore it from a backup; without one, move the state "
        + "directory away and join the mesh anew."
    case .noPermission(let path, let detail):
      "\(path) cannot be opened (\(detail)). The agent must own the directory and may not be on a read-only disk."
    case .full(let path):
      "The disk is full: \(path) could not be written, and nothing was changed. Free some space."
    case .inUse(let path): "\(path) is in use by another process. Is another agent running?"
    case .newer(let path):
      "\(path) was written by a newer pbxlink. Install that version, or restore an older backup."
    case .unreadableValue(let path, let key, let detail):
      "\(path): the value of '\(key)' cannot be read (\(detail)). Restore the file from a backup."
    case .other(let path, let detail): "\(path): \(detail)"
    }
  }

  /// By sysexits.h.
  public var exitCode: ExitCode {
    switch self {
    case .noPermission: .noPermission
    case .inUse: .temporaryFailure
    case .damaged, .unreadableValue: .dataError
    case .newer: .configuration
    case .full, .other: .ioError
    }
  }
}
