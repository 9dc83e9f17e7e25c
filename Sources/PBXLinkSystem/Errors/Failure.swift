// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: pbxlink contributors

internal import HTTPTypes
public import PBXLinkCore

/// An error that knows the exit code that scripts should see.
public protocol ExitCoded: Error {
  /// By sysexits.h.
  var exitCode: ExitCode { get }
}

/// Any error as what the admin is told: a message, an exit code, and the HTTP status in between.
public struct Failure: Error, ExitCoded, CustomStringConvertible {
  /// What failed, on what, and what to do.
  public let message: String
  /// By sysexits.h.
  public let exitCode: ExitCode

  /// A failure in our own words.
  public init(_ message: String, _ exitCode: ExitCode) {
    self.message = message
    self.exitCode = exitCode
  }

  /// The failure that stands for any error.
  public init(_ error: any Error) {
    message = String(describing: error)
    exitCode =
      switch error {
      case let error as any ExitCoded: error.exitCode
      case is DocumentError, is DecodingError, is NumberPlanError, is AdmissionError, is InvitationError,
        is EnrolmentError:
        .dataError
      default: .software
      }
  }

  /// The message.
  public var description: String { message }

  var status: HTTPResponse.Status {
    switch exitCode {
    case .usage, .dataError, .noInput: .badRequest
    case .noPermission: .forbidden
    case .unavailable, .temporaryFailure: .serviceUnavailable
    case .configuration, .cannotCreate: .conflict
    default: .internalServerError
    }
  }
}

extension AgentError: ExitCoded {
  /// By sysexits.h.
  public var exitCode: ExitCode {
    switch self {
    case .siteNameInvalid, .siteUnknown, .siteIsOurs, .delegationToAuthority: .usage
    case .siteTaken, .siteRevoked, .membershipForeign, .networkUnsuitable, .authorityForeign: .dataError
    case .restored, .authorityNeeded: .temporaryFailure
    case .notAuthority, .invitationUnknown, .invitationSecretWrong, .invitationExpired, .invitationRedeemed,
      .lastInviter, .recoveryKeyWrong, .authorityRefused:
      .noPermission
    case .addressesExhausted: .unavailable
    case .rotationUnderWay, .rotationNotUnderWay, .rotationLeavesBehind: .temporaryFailure
    case .endpointMissing, .extensionsNotGranted, .extensionsAreOurs, .notARelay: .configuration
    case .signing: .software
    }
  }
}
