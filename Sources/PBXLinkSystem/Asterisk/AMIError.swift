// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: pbxlink contributors

internal import PBXLinkCore

/// What can go wrong at the manager interface.
public enum AMIError: Error, Hashable, Sendable, CustomStringConvertible, ExitCoded {
  /// No connection.
  case connect(port: UInt16, reason: String)
  /// Something else than Asterisk answers.
  case notAsterisk(port: UInt16, banner: String)
  /// The connection ended.
  case closed(action: String)
  /// No answer in time.
  case timeout(action: String)
  /// Asterisk said no.
  case refused(action: String, message: String)
  /// A header that would break the message.
  case header(String)

  /// What failed and what to do.
  public var description: String {
    switch self {
    case .connect(let port, let reason):
      "Asterisk's manager interface at 127.0.0.1:\(port) does not answer: \(reason). Check [general] of manager.conf "
        + "and 'asterisk -rx \"manager show settings\"'"
    case .notAsterisk(let port, let banner):
      "127.0.0.1:\(port) is not Asterisk's manager interface, it says '\(banner.prefix(60))': set asterisk.manager_port"
    case .closed(let action): "Asterisk's manager interface closed the connection during \(action)"
    case .timeout(let action): "Asterisk's manager interface did not answer \(action) in time"
    case .refused("Login", let message):
      "Asterisk's manager interface refused the user \(TrunkNames.managerUser) (\(message)): check that manager.conf "
        + "ends in '#tryinclude pbxlink/manager.conf' and that no other file has this user"
    case .refused(let action, let message): "Asterisk refused the manager action \(action): \(message)"
    case .header(let name): "the manager header \(name) has a line break"
    }
  }

  /// By sysexits.h.
  public var exitCode: ExitCode {
    switch self {
    case .connect, .closed, .timeout: .unavailable
    case .notAsterisk: .configuration
    case .refused("Login", _): .configuration
    case .refused: .protocolError
    case .header: .software
    }
  }
}
