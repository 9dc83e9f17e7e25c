// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: pbxlink contributors

import PBXLinkCore

extension Lab {
  /// Places a call, gathers both ends' records of it, and hangs up.
  /// - Throws: ``LabError/call(number:problem:)`` when it was not answered or carries no voice.
  public func call(
    from office: Office, to number: String, as caller: String? = nil
  ) async throws -> CallRecord {
    let call = try await office.call(number, from: caller)
    return try await finish(call, record: try await record(of: call))
  }

  /// What both ends know of a call that is up, once each end of a trunk hears the other.
  /// - Throws: ``LabError/timeout(waitingFor:after:)`` for dead air.
  public func record(of call: ActiveCall) async throws -> CallRecord {
    var record = CallRecord(
      number: call.number, callerNumber: call.caller, answerSeconds: call.answeredAfter.inSeconds,
      caller: try await leg(call.leg, of: call.office, ear: call.phone))
    let far = call.leg.technology == "IAX2" ? try await farEnd(of: call) : nil
    if let far {
      var callee = try await leg(far.channel, of: far.office, ear: far.channel)
      record.caller.interface = try await call.office.interface(towards: record.caller.peerAddress)
      callee.interface = try await far.office.interface(towards: callee.peerAddress)
      record.callee = callee
    }
    return record
  }

  /// Hangs up and adds both ends' call detail records.
  public func finish(_ call: ActiveCall, record: CallRecord) async throws -> CallRecord {
    try await call.hangUp()
    var record = record
    record.caller.detail = try await detail(call.dialplan.uniqueID, of: call.office)
    if let callee = record.callee {
      record.callee?.detail = try await detail(callee.uniqueID, of: office(callee.site))
    }
    return record
  }

  /// The office and channel at the other end of the call's trunk. Each end names the other's call number,
  /// which leaves no room for another call.
  private func farEnd(of call: ActiveCall) async throws -> (office: Office, channel: Channel) {
    let number = call.leg.callNumber
    guard let near = try await call.office.iaxCalls().first(where: { $0.local == number }) else {
      throw LabError.call(number: call.number, problem: "\(call.leg.name) is not in 'iax2 show channels'")
    }
    for office in offices where office.name != call.office.name {
      let mirror = try await office.iaxCalls().contains { $0.local == near.remote && $0.remote == near.local }
      guard mirror else { continue }
      if let channel = try await office.channels().first(where: {
        $0.technology == "IAX2" && $0.callNumber == near.remote
      }) {
        return (office, channel)
      }
    }
    throw LabError.call(number: call.number, problem: "no other office has the far end of \(call.leg.name)")
  }

  /// One end's view. `ear` is its channel that runs the tone and hears the other end's.
  private func leg(_ channel: Channel, of office: Office, ear: Channel) async throws -> CallRecord.Leg {
    // Only a trunk carries voice: within an office, the two tones have no clock to play by.
    if channel.technology == "IAX2" {
      try await wait(for: "voice at \(office.name) on \(ear.name)", upTo: .seconds(10)) {
        office.hears(ear) ? () : nil
      }
    }
    let now = try await office.channels().first { $0.uniqueID == channel.uniqueID }
    let peer = try await office.iaxCalls().first { $0.local == channel.callNumber }?.peer
    return CallRecord.Leg(
      site: office.name, channel: channel.name, technology: channel.technology, uniqueID: channel.uniqueID,
      state: now?.state ?? "gone", callerNumber: (now ?? channel).callerNumber,
      peerAddress: channel.technology == "IAX2" ? peer : nil, hearsVoice: office.hears(ear))
  }

  private func detail(_ uniqueID: String, of office: Office) async throws -> CallDetail {
    try await wait(for: "the call detail record of \(uniqueID) in \(office.name)", upTo: .seconds(10)) {
      try office.callDetails().last { $0.uniqueID == uniqueID }
    }
  }
}
