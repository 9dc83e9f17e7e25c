// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: pbxlink contributors

extension TrunkConfiguration {
  /// How many sites a call may pass: more than any sensible chain of forwardings.
  static let hops = 4
  /// Seconds for which the far end may ring.
  static let ringTime = 120

  /// extensions.conf. A call from a peer enters `plk-from-<site>`, which names our own extensions and nothing
  /// else; a call to a peer leaves through `plk-outbound`.
  var dialplanText: String {
    var lines = header(.extensions)
    lines += subroutines + retries
    lines += ["", "[\(TrunkNames.deliver)]"]
    if let localContext { lines.append("include => \(localContext)") }
    lines += ["", "[\(TrunkNames.outbound)]"]
    for peer in peers {
      lines.append(TrunkFragments.marker(peer.site))
      lines += patternsDialled(at: peer).flatMap { rule(for: $0, to: peer) }
    }
    lines.append(TrunkFragments.end)
    for context in phoneContexts { lines += ["", "[\(context)]", "include => \(TrunkNames.outbound)"] }
    for peer in peers { lines += ["", TrunkFragments.marker(peer.site)] + entrance(of: peer) }
    if isRelay { lines += transit }
    return lines.joined(separator: "\n") + "\n"
  }

  private func rule(for pattern: ExtensionPattern, to peer: TrunkPeer) -> [String] {
    let hasRelay = relays.contains { $0.site != peer.site }
    return ["exten => \(pattern.asteriskPattern),1,\(dial(peer))"] + (hasRelay ? [retry(peer)] : []) + [tell]
  }

  /// Places the call that the channel has come with.
  func dial(_ peer: TrunkPeer) -> String {
    "Gosub(\(TrunkNames.call),s,1(${EXTEN},\(TrunkNames.peer(peer.site)),\(peer.site),\(peer.callLimit)))"
  }

  /// Tells the caller what has become of it.
  var tell: String { " same => n,Goto(\(TrunkNames.end),${GOSUB_RETVAL},1)" }

  private func entrance(of peer: TrunkPeer) -> [String] {
    let name = TrunkNames.peer(peer.site)
    var lines = ["[\(TrunkNames.from(peer.site))]"]
    // A test call is no call to account for. The tone is not for ears: a caller of version 16 with a jitter buffer does not see the answer before
    // the first voice frame.
    lines += [
      "exten => \(TrunkNames.probe),1,Set(CDR_PROP(disable)=1)", " same => n,Answer()",
      " same => n,Playtones(425)", " same => n,Wait(1)", " same => n,Hangup()",
    ]
    for number in emergencyNumbers {
      // An exact extension comes before any pattern of this context.
      lines += [
        "exten => \(number),1,UserEvent(PbxlinkRefused,Peer: \(peer.site),Number: \(number),Reason: emergency)",
        " same => n,Hangup(21)",
      ]
    }
    // What the context itself has comes first.
    if isRelay { lines.append("include => \(TrunkNames.transit)") }
    guard localContext != nil else { return lines }
    for pattern in ownExtensions where !includesEmergency(pattern) {
      lines += [
        "exten => \(pattern.asteriskPattern),1,GotoIf(${DIALPLAN_EXISTS(\(TrunkNames.deliver),${EXTEN},1)}?known)",
        " same => n,Hangup(1)",
        " same => n(known),Gosub(\(TrunkNames.admit),s,1(\(name),\(peer.site),\(peer.callLimit)))",
        " same => n,Goto(\(TrunkNames.deliver),${EXTEN},1)",
      ]
    }
    return lines
  }

  /// Group before count, and `>` after: of two calls that come at once both see the higher number, so the
  /// cap is never passed. Both directions use one group, and each peer a category of its own, so that a
  /// call that comes from one peer and leaves to another counts at both.
  ///
  /// The path and the remaining hops travel in IAXVAR() and come from outside: they are filtered before use.
  private var subroutines: [String] {
    let me = TrunkNames.plain(site)
    return [
      "", "[\(TrunkNames.call)]", "; (number, peer, site, cap): gives DIALSTATUS or FULL",
      "exten => s,1,Set(GROUP(${ARG2})=call)",
      " same => n,GotoIf($[${GROUP_COUNT(call@${ARG2})} > ${ARG4}]?full)",
      " same => n,Set(LOCAL(path)=${FILTER(a-z0-9_/,${IAXVAR(plk_path)})})",
      " same => n,Set(LOCAL(ttl)=${FILTER(0-9,${IAXVAR(plk_ttl)})})",
      " same => n,Set(IAXVAR(plk_ttl)=${IF($[\"${path}\" = \"\"]?\(Self.hops):$[0${ttl} - 1])})",
      " same => n,Set(IAXVAR(plk_path)=${IF($[\"${path}\" = \"\"]?/:${path})}\(me)/)",
      " same => n,Dial(IAX2/${ARG2}/${ARG1},\(Self.ringTime))",
      " same => n,Set(IAXVAR(plk_path)=${path})",
      " same => n,Set(IAXVAR(plk_ttl)=${ttl})",
      " same => n,Set(GROUP(${ARG2})=)",
      " same => n,Return(${DIALSTATUS})",
      " same => n(full),Set(GROUP(${ARG2})=)",
      " same => n,UserEvent(PbxlinkLimit,Peer: ${ARG3},Direction: out,Cap: ${ARG4},Number: ${ARG1})",
      " same => n,Return(FULL)",
      "", "[\(TrunkNames.admit)]", "; (peer, site, cap): returns, or ends the call",
      "exten => s,1,Set(LOCAL(path)=${FILTER(a-z0-9_/,${IAXVAR(plk_path)})})",
      " same => n,Set(LOCAL(ttl)=${FILTER(0-9,${IAXVAR(plk_ttl)})})",
      " same => n,Set(LOCAL(ttl)=0${ttl:0:3})",
      // An honest path ends in the peer itself, and does not have us in it.
      " same => n,GotoIf($[${REGEX(\"/${ARG1:\(TrunkNames.peerPrefix.count)}/$\" ${path})} = 0]?loop)",
      " same => n,GotoIf($[${ttl} < 1 | ${REGEX(\"/\(me)/\" ${path})}]?loop)",
      " same => n,Set(IAXVAR(plk_path)=${path})",
      " same => n,Set(IAXVAR(plk_ttl)=${IF($[${ttl} > \(Self.hops)]?\(Self.hops):$[${ttl} + 0])})",
      " same => n,Set(GROUP(${ARG1})=call)",
      " same => n,GotoIf($[${GROUP_COUNT(call@${ARG1})} > ${ARG3}]?full)",
      " same => n,Return()",
      " same => n(full),UserEvent(PbxlinkLimit,Peer: ${ARG2},Direction: in,Cap: ${ARG3})",
      " same => n,Hangup(34)",
      " same => n(loop),UserEvent(PbxlinkLoop,Peer: ${ARG2},Path: ${path},TTL: ${ttl})",
      " same => n,Hangup(25)",
      "", "[\(TrunkNames.end)]", "; what the caller hears, by Q.850 cause",
      "exten => BUSY,1,Hangup(17)",
      "exten => NOANSWER,1,Hangup(19)",
      "exten => FULL,1,Hangup(34)",
      "exten => _[A-Z].,1,Hangup(${IF($[0${HANGUPCAUSE} > 0]?${HANGUPCAUSE}:34)})",
    ]
  }
}
