// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: pbxlink contributors

extension Office {
  /// Places a call from a phone of the office, as its dialplan would carry it, and waits for the outcome.
  /// - Parameters:
  ///   - caller: the phone's number; the office's first extension by default.
  ///   - context: the context of the phone.
  ///   - limit: how long it may ring before the phone gives up.
  /// - Throws: ``LabError/timeout(waitingFor:after:)`` when it neither was answered nor ended.
  public func dial(
    _ number: String, from caller: String? = nil, context: String = "phones",
    upTo limit: Duration = .seconds(20)
  ) async throws -> CallAttempt {
    let caller = caller ?? plan.extensions.first?.number ?? ""
    let id = "\(name)-" + String(UInt64.random(in: .min ... .max), radix: 36)
    let start = ContinuousClock.now
    try await spool(
      """
      Channel: Local/\(number)@\(Dialplan.phone)/n
      CallerID: "\(name) \(caller)" <\(caller)>
      Account: \(id)
      Setvar: LAB_CALL=\(id)
      Setvar: LAB_CONTEXT=\(context)
      MaxRetries: 0
      WaitTime: \(Int(limit.inSeconds))
      Context: \(Dialplan.phone)
      Extension: answered
      Priority: 1

      """, as: id)
    return try await wait(for: "call to \(number) from \(name)", upTo: limit + .seconds(5)) {
      if let end = try await end(of: id, number: number) { return .ended(end) }
      let channels = try await channels().filter { $0.account == id }
      guard let phone = channels.first(where: { $0.name.hasSuffix(";1") }), phone.application == "Milliwatt",
        let dialplan = channels.first(where: { $0.name.hasSuffix(";2") })
      else { return nil }
      let trunk = channels.first { $0.uniqueID != dialplan.uniqueID && $0.bridge == dialplan.bridge }
      return .answered(
        ActiveCall(
          office: self, number: number, caller: caller, answeredAfter: .now - start, phone: phone,
          leg: dialplan.bridge.isEmpty ? dialplan : trunk ?? dialplan, dialplan: dialplan))
    }
  }

  /// Places a call that must be answered. Parameters as for ``dial(_:from:context:upTo:)``.
  /// - Throws: ``LabError/call(number:problem:)`` with cause and dial status when it was not.
  public func call(
    _ number: String, from caller: String? = nil, context: String = "phones",
    upTo limit: Duration = .seconds(20)
  ) async throws -> ActiveCall {
    switch try await dial(number, from: caller, context: context, upTo: limit) {
    case .answered(let call): return call
    case .ended(let end): throw LabError.call(number: number, problem: "from \(name): \(end)")
    }
  }

  /// Hands Asterisk a call file. It is moved in place whole, since pbx_spool reads it as soon as it appears.
  private func spool(_ callFile: String, as id: String) async throws {
    let script = """
      cd /var/spool/asterisk && install -o asterisk -g asterisk -m 600 /dev/stdin "$1.call" &&
      mv "$1.call" outgoing/
      """
    try await anchor.run(["chroot", "/run/office/root", "sh", "-c", script, "sh", id], input: callFile)
      .checked()
  }

  private func end(of id: String, number: String) async throws -> CallEnd? {
    let answer = try await asterisk("database get \(Dialplan.results) \(id)")
    guard let match = answer.firstMatch(of: /Value: ([0-9]+):([A-Z]*)/) else { return nil }
    return CallEnd(number: number, cause: Int(match.1) ?? 0, dialStatus: String(match.2))
  }
}
