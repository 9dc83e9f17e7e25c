// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: pbxlink contributors

public import PBXLinkCore

/// What the Asterisks of both ends recorded of one answered call.
public struct CallRecord: Codable, Hashable, Sendable {
  /// One end's view of the trunk, or of the local channel in a call within the office.
  public struct Leg: Codable, Hashable, Sendable {
    /// The office.
    public var site: SiteName
    /// Such as `IAX2/plk_lyon-1234`.
    public var channel: String
    /// `IAX2` between offices.
    public var technology: String
    /// Asterisk's unique id of the channel.
    public var uniqueID: String
    /// `Up`.
    public var state: String
    /// The caller's number as this end knows it.
    public var callerNumber: String
    /// The other end's address as chan_iax2 knows it.
    public var peerAddress: IPAddress?
    /// The interface by which packets to it leave.
    public var interface: String?
    /// Whether the other end's voice was heard here.
    public var hearsVoice: Bool
    /// The call detail record, written when the call has ended.
    public var detail: CallDetail?
  }

  /// The number called.
  public var number: String
  /// The number of the calling phone.
  public var callerNumber: String
  /// Seconds from placing the call to its answer.
  public var answerSeconds: Double
  /// The calling office's leg.
  public var caller: Leg
  /// The called office's; nil for a call within one office.
  public var callee: Leg?

  /// What is missing for a proof that a call between offices was answered, over IAX2, through interfaces
  /// named `interface`, with the caller's number, and with voice both ways; empty when nothing is.
  public func gaps(interface: String) -> [String] {
    guard let callee else { return ["no other office has the call"] }
    var gaps: [String] = []
    for leg in [caller, callee] {
      if leg.technology != "IAX2" { gaps.append("\(leg.site): \(leg.channel) is not an IAX2 channel") }
      if leg.state != "Up" { gaps.append("\(leg.site): \(leg.channel) is \(leg.state), not Up") }
      if leg.interface != interface {
        let address = leg.peerAddress.map(\.description) ?? "unknown"
        gaps.append(
          "\(leg.site): packets to \(address) leave by \(leg.interface ?? "nothing"), not by \(interface)")
      }
      if !leg.hearsVoice { gaps.append("\(leg.site): does not hear the other end") }
      if leg.detail?.disposition != "ANSWERED" {
        gaps.append("\(leg.site): call detail record says \(leg.detail?.disposition ?? "nothing")")
      }
    }
    if callee.callerNumber != callerNumber {
      gaps.append("\(callee.site): caller is \(callee.callerNumber), not \(callerNumber)")
    }
    return gaps
  }
}
