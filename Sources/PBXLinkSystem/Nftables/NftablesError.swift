// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: pbxlink contributors

public import PBXLinkCore

/// Why the firewall could not be read or changed.
public enum NftablesError: Error, Hashable, Sendable, CustomStringConvertible, ExitCoded {
  /// There is no `nft` command.
  case missing(command: String)
  /// The kernel refuses this user.
  case notPermitted(String)
  /// `nft` refused; nothing was changed.
  case failed(String, reason: String)
  /// The kernel does not hold what was installed; `restoring` says why the former table is not back either.
  case mismatch(FirewallDifference, restoring: String?)

  init(_ purpose: String, stderr: String) {
    if stderr.contains("Operation not permitted") {
      self = .notPermitted(purpose)
    } else {
      let lines = stderr.split(whereSeparator: \.isNewline).prefix(3).map {
        $0.split(separator: "\t").joined()
      }
      self = .failed(purpose, reason: lines.isEmpty ? "nft said nothing" : lines.joined(separator: "; "))
    }
  }

  /// By sysexits.h.
  public var exitCode: ExitCode {
    switch self {
    case .missing: .unavailable
    case .notPermitted: .noPermission
    case .failed, .mismatch: .osError
    }
  }

  /// What failed and what to do.
  public var description: String {
    switch self {
    case .missing(let command):
      "firewall: no command '\(command)'; install the package nftables, and have /usr/sbin in PATH"
    case .notPermitted(let purpose):
      "firewall: cannot \(purpose) inet pbxlink: not permitted; run as root or grant CAP_NET_ADMIN"
    case .failed(let purpose, let reason):
      "firewall: cannot \(purpose) inet pbxlink: \(reason)"
    case .mismatch(let difference, nil):
      "firewall: table inet pbxlink did not read back as installed, \(difference); the former table is back. "
        + "Look for another program that changes nftables, and report the nft version"
    case .mismatch(let difference, let reason?):
      "firewall: table inet pbxlink did not read back as installed, \(difference), and the former table "
        + "is not back: \(reason). Run 'pbxlink apply' again"
    }
  }
}
