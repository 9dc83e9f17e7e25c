// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: pbxlink contributors

internal import CNetlink
internal import Glibc

/// A tunnel operation that the kernel, wireguard-go or libnl refused.
public struct KernelError: Error, Hashable, Sendable, CustomStringConvertible, ExitCoded {
  /// What was asked for, such as "add address 10.77.0.2/32".
  public let operation: String
  /// On what: an interface or a program.
  public let object: String
  /// The system's error number; nil when the failure is not the kernel's.
  public let errno: Int32?
  /// What went wrong, in words.
  public let reason: String
  /// What the admin can do about it; nil when the reason says it all.
  public let remedy: String?

  /// What failed, on what object, why, and what to do.
  public var description: String {
    "cannot \(operation) on \(object): \(reason)" + (remedy.map { "; \($0)" } ?? "")
  }

  /// By sysexits.h; without an error number it is a program or a kernel feature that is missing.
  public var exitCode: ExitCode {
    switch errno {
    case EPERM, EACCES: .noPermission
    case nil: .unavailable
    default: .osError
    }
  }

  init(_ operation: String, _ object: String, reason: String, remedy: String? = nil) {
    self.operation = operation
    self.object = object
    self.errno = nil
    self.reason = reason
    self.remedy = remedy
  }

  init(_ operation: String, _ object: String, errno: Int32) {
    self.operation = operation
    self.object = object
    self.errno = errno
    self.reason = String(cString: strerror(errno))
    self.remedy =
      switch errno {
      case EPERM: "run as root or with CAP_NET_ADMIN"
      case EADDRINUSE:
        "another program has the port: find it with 'ss -lunp' or set tunnel.listen_port to another one"
      case EAFNOSUPPORT,
        EACCES where operation.hasPrefix("add "):
        "IPv6 may be turned off: see 'sysctl net.ipv6.conf.all.disable_ipv6'"
      default: nil
      }
  }

  /// From a negative libnl return value; `errno` is what the kernel answered, 0 when only libnl knows.
  init(_ operation: String, _ object: String, netlink code: Int32, errno: Int32) {
    switch (errno, -code) {
    case (1..., _): self.init(operation, object, errno: errno)
    // rtnl_link_get_kernel() takes the kernel's answer for itself.
    case (_, NLE_NODEV): self.init(operation, object, errno: ENODEV)
    case (_, NLE_PERM): self.init(operation, object, errno: EPERM)
    default: self.init(operation, object, reason: String(cString: nl_geterror(code)))
    }
  }
}
