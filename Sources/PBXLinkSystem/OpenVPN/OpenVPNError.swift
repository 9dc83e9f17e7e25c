// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: pbxlink contributors

internal import Glibc

/// Why an OpenVPN link is not as it should be. None shows any of a key.
public enum OpenVPNError: Error, Hashable, Sendable {
  /// There is no OpenVPN to be run.
  case missing(command: String, reason: String)
  /// It is older than 2.6.
  case version(String)
  /// It did not start, or ended at once; the reason is its own.
  case start(interface: String, reason: String)
  /// It does not end.
  case stop(interface: String, process: Int32)
  /// Its management socket gives no answer, or one that makes no sense.
  case management(path: String, reason: String)
  /// The runtime directory is not ours alone, or its path is too long for a socket.
  case directory(String, reason: String)
  /// A system call on a file of ours failed.
  case system(call: String, path: String, code: Int32)
  /// Several links failed; the others are as they should be.
  case several([String])
}

extension OpenVPNError: CustomStringConvertible, ExitCoded {
  /// What failed, on what, and what to do.
  public var description: String {
    switch self {
    case .missing(let command, let reason):
      "cannot run '\(command)': \(reason); install OpenVPN with 'apt install openvpn', or take openvpn-tcp out "
        + "of the paths"
    case .version(let found):
      "OpenVPN 2.6 or newer is needed, and this is \(found); upgrade it, or take openvpn-tcp out of the paths"
    case .start(let interface, let reason):
      "openvpn for \(interface) does not start: \(reason)"
        + (reason.contains("Address already in use")
          ? "; another program has the port: find it with 'ss -ltnp'" : "")
    case .stop(let interface, let process):
      "process \(process), the openvpn of \(interface), does not end; look at it with 'ps \(process)'"
    case .management(let path, let reason):
      "openvpn's management socket \(path): \(reason); if it stays so, end the process that "
        + "'fuser \(path)' shows, and it is started anew"
    case .directory(let path, let reason): "runtime directory \(path): \(reason)"
    case .system(let call, let path, let code):
      "cannot \(call) \(path): \(String(cString: strerror(code)))"
        + (code == EACCES || code == EPERM ? "; run as the user that the directory belongs to" : "")
    case .several(let failures): failures.joined(separator: "\n")
    }
  }

  /// By sysexits.h.
  public var exitCode: ExitCode {
    switch self {
    case .missing, .version: .unavailable
    case .start, .stop, .several: .osError
    case .management: .protocolError
    case .directory: .configuration
    case .system(_, _, let code): code == EACCES || code == EPERM ? .noPermission : .osFile
    }
  }
}
