// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: pbxlink contributors

/// Exit codes of the command, by BSD's sysexits.h.
public enum ExitCode: Int32, Sendable, Codable {
  case success = 0
  /// A command failed in a way that no other code tells (doctor with findings, for one).
  case failure = 1
  case usage = 64
  case dataError = 65
  case noInput = 66
  case unavailable = 69
  case software = 70
  case osError = 71
  case osFile = 72
  case cannotCreate = 73
  case ioError = 74
  case temporaryFailure = 75
  case protocolError = 76
  case noPermission = 77
  case configuration = 78
}
