// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: pbxlink contributors

/// What the admin of a lab office has added to Debian's extensions.conf.
struct Dialplan {
  /// The context of the lab's own telephone; it sends each call on to the context that the call names.
  static let phone = "lab-phone"

  /// Where a call notes its course, a line each: `answered`, and `ended <hangup cause>:<dial status>`.
  static func course(of call: String) -> String { "/var/spool/asterisk/monitor/course-\(call)" }
  private static func note(_ line: String) -> String {
    "Set(FILE(\(course(of: "${LAB_CALL}")),,,al,u)=\(line))"
  }

  /// Where Asterisk keeps what a channel hears, as signed 16-bit samples, least significant byte first.
  static func recording(of uniqueID: String) -> String { "/var/spool/asterisk/monitor/heard-\(uniqueID).sln" }
  private static let listen = "MixMonitor(both-${UNIQUEID}.sln,r(\(recording(of: "${UNIQUEID}"))))"

  let extensions: [LabFile.Extension]

  /// The text to append.
  var text: String {
    """

    ; This office's numbers.
    [local-extensions]
    \(extensions.map(Self.lines).joined(separator: "\n"))

    ; The telephones of this office.
    [phones]
    include => local-extensions
    include => pstn-out
    exten => 911,1,Goto(pstn-out,9911,1)
    exten => 112,1,Goto(pstn-out,9112,1)

    ; The route to the public network: whatever gets here costs money.
    [pstn-out]
    exten => _9X.,1,Answer()
     same => n,Milliwatt()

    ; The telephone of the lab: goes where LAB_CONTEXT says and notes how the call ended.
    [\(Self.phone)]
    exten => _X!,1,Set(CHANNEL(hangup_handler_push)=lab-hangup,s,1)
     same => n,GotoIf($[${DIALPLAN_EXISTS(${LAB_CONTEXT},${EXTEN},1)}]?${LAB_CONTEXT},${EXTEN},1)
     same => n,Hangup(1)
    exten => answered,1,\(Self.listen)
     same => n,\(Self.note("answered"))
     same => n,Milliwatt()
    exten => answered-briefly,1,\(Self.note("answered"))
     same => n,Wait(1)
     same => n,Hangup()
    [lab-hangup]
    exten => s,1,\(Self.note("ended ${HANGUPCAUSE}:${DIALSTATUS}"))
     same => n,Return()

    """
  }

  private static func lines(_ entry: LabFile.Extension) -> String {
    let steps =
      switch entry.service {
      case .tone: ["Answer()", listen, "Milliwatt()"]
      case .echo: ["Answer()", listen, "Echo()"]
      case .ringing: ["Ringing()", "Wait(3600)"]
      case .busy: ["Hangup(17)"]
      }
    return steps.enumerated().map { index, step in
      index == 0 ? "exten => \(entry.number),1,\(step)" : " same => n,\(step)"
    }.joined(separator: "\n")
  }
}
