// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: pbxlink contributors

/// Calls by a relaying PBX, when the direct trunk does not work.
extension TrunkConfiguration {
  /// Most relays that one call tries.
  private static let relayLimit = 3

  /// The peers that pass calls on.
  var relays: [TrunkPeer] { Array(peers.filter(\.isRelay).prefix(Self.relayLimit)) }

  /// Causes (Q.850) by which the far end has answered for itself: no such number (1, 3, 28), refused (21), a loop (25).
  private static let answers = [1, 3, 21, 25, 28]

  func retry(_ peer: TrunkPeer) -> String {
    " same => n,Gosub(\(TrunkNames.relayed),s,1(${EXTEN},\(peer.site),${GOSUB_RETVAL}))"
  }

  /// Only what never got there is tried again (CHANUNAVAIL: no answer to POKE, or the call is not authenticated there), and
  /// not what is busy, full or unknown.
  var retries: [String] {
    guard !relays.isEmpty else { return [] }
    var lines = [
      "", "[\(TrunkNames.relayed)]", "; (number, site, outcome): by the relays in turn; gives the outcome",
      "exten => s,1,Set(LOCAL(outcome)=${ARG3})",
    ]
    let causes = Self.answers.map(\.description).joined(separator: "|")
    for relay in relays {
      let (name, label) = (TrunkNames.peer(relay.site), "not_" + TrunkNames.plain(relay.site))
      lines += [
        " same => n,GotoIf($[\"${outcome}\" != \"CHANUNAVAIL\" | \"${ARG2}\" = \"\(relay.site)\"]?\(label))",
        " same => n,GotoIf(${REGEX(\"^(\(causes))$\" ${HANGUPCAUSE})}?\(label))",
        " same => n,UserEvent(PbxlinkFailover,Peer: ${ARG2},Via: \(relay.site))",
        " same => n,Gosub(\(TrunkNames.call),s,1(${ARG1},\(name),\(relay.site),\(relay.callLimit)))",
        " same => n,Set(LOCAL(outcome)=${GOSUB_RETVAL})",
        " same => n(\(label)),NoOp()",
      ]
    }
    return lines + [" same => n,Return(${outcome})"]
  }

  /// The context says from whom a call is.
  private var entryOfContext: String {
    TrunkNames.entryPrefix + "${CONTEXT:\(TrunkNames.fromPrefix.count)}"
  }

  /// What peers reach through us: the other peers, by the direct trunk only, so that no call goes through two relays.
  var transit: [String] {
    var lines = ["", TrunkFragments.end, "[\(TrunkNames.transit)]"]
    for peer in peers {
      lines.append(TrunkFragments.marker(peer.site))
      for pattern in patternsDialled(at: peer) {
        lines += [
          "exten => \(pattern.asteriskPattern),1,Gosub(\(entryOfContext),s,1)", " same => n,\(dial(peer))",
          tell,
        ]
      }
    }
    for peer in peers {
      lines += [
        "", TrunkFragments.marker(peer.site), "[\(TrunkNames.entry(peer.site))]",
        "exten => s,1,Gosub(\(TrunkNames.admit),s,1(\(TrunkNames.peer(peer.site)),\(peer.site),\(peer.callLimit)))",
        " same => n,Return()",
      ]
    }
    return lines
  }
}
