// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: pbxlink contributors

import FoundationEssentials

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
    let caller = caller ?? firstNumber
    let id = newCallID
    let start = ContinuousClock.now
    try await spool(number, from: caller, context: context, upTo: limit, whenAnswered: "answered", as: id)
    return try await wait(for: "call to \(number) from \(name)", upTo: limit + .seconds(5)) {
      let course = self.course(of: id, number: number)
      if let end = course.end { return .ended(end) }
      guard course.isAnswered else { return nil }
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

  /// Places a call that ends by itself a second after it was answered, and gives its end when it was not. Many of
  /// these cost the machine little.
  /// - Throws: ``LabError/timeout(waitingFor:after:)`` when it neither was answered nor ended.
  public func attempt(_ number: String, upTo limit: Duration = .seconds(20)) async throws -> CallEnd? {
    let id = newCallID
    try await spool(
      number, from: firstNumber, context: "phones", upTo: limit, whenAnswered: "answered-briefly", as: id)
    let outcome = try await wait(for: "call to \(number) from \(name)", upTo: limit + .seconds(5)) {
      () -> Course? in
      let course = self.course(of: id, number: number)
      return course.isAnswered || course.end != nil ? course : nil
    }
    return outcome.isAnswered ? nil : outcome.end
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

  private var firstNumber: String { plan.extensions.first?.number ?? "" }
  private var newCallID: String { "\(name)-" + String(UInt64.random(in: .min ... .max), radix: 36) }

  /// Hands Asterisk a call file. It is moved in place whole, since pbx_spool reads it as soon as it appears.
  private func spool(
    _ number: String, from caller: String, context: String, upTo limit: Duration, whenAnswered next: String,
    as id: String
  ) async throws {
    let callFile = """
      Channel: Local/\(number)@\(Dialplan.phone)/n
      CallerID: "\(name) \(caller)" <\(caller)>
      Account: \(id)
      Setvar: LAB_CALL=\(id)
      Setvar: LAB_CONTEXT=\(context)
      MaxRetries: 0
      WaitTime: \(Int(limit.inSeconds))
      Context: \(Dialplan.phone)
      Extension: \(next)
      Priority: 1

      """
    let script = """
      cd /var/spool/asterisk && install -o asterisk -g asterisk -m 600 /dev/stdin "$1.call" &&
      mv "$1.call" outgoing/
      """
    try await anchor.run(["chroot", "/run/office/root", "sh", "-c", script, "sh", id], input: callFile)
      .checked()
  }

  /// What a call has noted so far. No process is asked: it is looked at often.
  private func course(of id: String, number: String) -> Course {
    let path = anchor.outside("/run/office/root" + Dialplan.course(of: id))
    // Asterisk makes the file with the first note.
    let lines = (try? String(contentsOfFile: path, encoding: .utf8))?.split(separator: "\n") ?? []
    let end = lines.lazy.compactMap { $0.wholeMatch(of: /ended ([0-9]+):([A-Z]*)/) }.first
    return Course(
      isAnswered: lines.contains("answered"),
      end: end.map { CallEnd(number: number, cause: Int($0.1) ?? 0, dialStatus: String($0.2)) })
  }

  private struct Course {
    let isAnswered: Bool
    let end: CallEnd?
  }
}
