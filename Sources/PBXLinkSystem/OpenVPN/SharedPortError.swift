// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: pbxlink contributors

internal import Glibc
public import PBXLinkCore

/// Why the public port of OpenVPN is not shared.
public enum SharedPortError: Error, Hashable, Sendable {
  /// Another program has the port.
  case portTaken(ResolvedEndpoint)
  /// The address cannot be listened on.
  case notListening(ResolvedEndpoint, reason: String)
  /// A process holds the directory's lock already.
  case alreadyRuns(directory: String)
  /// The process ended before it listened; the reason is its own.
  case notStarted(reason: String)
  /// The process does not end.
  case notStopped(process: Int32)
  /// A system call on a file of ours failed.
  case system(call: String, path: String, code: Int32)
  /// A file of ours is not as we write it.
  case damaged(path: String)
  /// A peer's tls-auth key of another length than 256 bytes.
  case wrongKeyLength(port: UInt16, length: Int)
}

extension SharedPortError: CustomStringConvertible, ExitCoded {
  /// What failed, on what, and what to do.
  public var description: String {
    switch self {
    case .portTaken(let listen):
      "cannot listen on \(listen) for OpenVPN: another program has TCP port \(listen.port); find it with "
        + "'ss -ltnp sport = :\(listen.port)' and stop it, or choose another port or address for OpenVPN"
    case .notListening(let listen, let reason): "cannot listen on \(listen) for OpenVPN: \(reason)"
    case .alreadyRuns(let directory):
      "the shared port of \(directory) is served by another process already; stop that one first"
    case .notStarted(let reason): "the process that shares the port does not start: \(reason)"
    case .notStopped(let process):
      "process \(process), which serves the shared port, does not end; look at it with 'ps \(process)'"
    case .system(let call, let path, let code):
      "cannot \(call) \(path): \(String(cString: strerror(code)))"
        + (code == EACCES || code == EPERM ? "; run as the user that the directory belongs to" : "")
    case .damaged(let path):
      "\(path) is not as pbxlink writes it; remove it, and the agent writes it again"
    case .wrongKeyLength(let port, let length):
      "the tls-auth key of the peer at port \(port) has \(length) bytes; it must have 256"
    }
  }

  /// By sysexits.h.
  public var exitCode: ExitCode {
    switch self {
    case .portTaken, .alreadyRuns: .unavailable
    case .notListening, .notStarted, .notStopped: .osError
    case .system(_, _, let code): code == EACCES || code == EPERM ? .noPermission : .osFile
    case .damaged, .wrongKeyLength: .dataError
    }
  }
}
