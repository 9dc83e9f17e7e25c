// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: pbxlink contributors

internal import Glibc

/// A UDP socket that could not be opened or did not send.
public struct DatagramError: Error, Hashable, Sendable, CustomStringConvertible {
  /// What was tried, such as "bind to 10.77.0.1:4571".
  public let operation: String
  /// The interface; nil for a socket that is bound to none.
  public let interface: String?
  /// The system's error number.
  public let errno: Int32

  init(_ operation: String, _ interface: String?, errno: Int32) {
    self.operation = operation
    self.interface = interface
    self.errno = errno
  }

  /// What failed, on what interface, why, and what to do.
  public var description: String {
    let remedy =
      switch errno {
      case EPERM, EACCES:
        "; an interface of its own needs CAP_NET_RAW, and packets a firewall that lets them out"
      case EADDRINUSE: "; another program has the port: find it with 'ss -lunp'"
      case EADDRNOTAVAIL: "; this host lacks the address; that of a tunnel is put back by the next look at it"
      case ENODEV: "; the interface is gone, and the next look at the tunnel brings it back"
      case EAGAIN, ENOBUFS: "; more is sent than the line takes: see 'tc -s qdisc show'"
      default: ""
      }
    let place = interface.map { " on \($0)" } ?? ""
    return "cannot \(operation)\(place): \(String(cString: strerror(errno)))\(remedy)"
  }
}
