// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: pbxlink contributors

/// Our Asterisk, the trunk in it, and what it says of the far end. Of this site itself, only our Asterisk.
struct TrunkLayers {
  let site: Site
  let agent: Agent
  let desired: TrunkConfiguration
  let evidence: LinkEvidence

  var findings: [LinkDiagnosis.Finding] {
    let observed: ObservedTrunk
    switch evidence.trunk {
    case .unseen(let unseen): return [.unknown(.asterisk, unseen)]
    case .seen(let seen): observed = seen
    }
    guard site.identity != agent.identity else { return [asterisk(observed)] }
    guard let peer = desired.peers.first(where: { $0.site == site.name }) else {
      return [
        asterisk(observed), .wrong(.trunk, "there is no trunk to it", do: "See the line 'desired'."),
      ]
    }
    return [asterisk(observed), trunk(peer, observed), qualify(observed), testCall, calls(peer)]
  }

  /// What is wrong with Asterisk whatever the site.
  private func asterisk(_ observed: ObservedTrunk) -> LinkDiagnosis.Finding {
    let port = agent.configuration.trunk.port
    let warnings = desired.warnings(for: observed, port: port)
    let general = warnings.first { warning in
      switch warning {
      case .notRunning, .noIAX2, .notListening, .broken, .contextUnknown, .noLocalContext: true
      case .version, .noCommonCodec, .withheld: false
      }
    }
    if let general {
      return .wrong(.asterisk, general.description, do: "'pbxlink doctor' looks closer at Asterisk.")
    }
    let version = observed.version.map { "Asterisk \($0)" } ?? "Asterisk"
    return .ok(
      .asterisk, "\(version) runs, chan_iax2 on UDP port \(port), calls enter \(desired.localContext ?? "")")
  }

  private func trunk(_ peer: TrunkPeer, _ observed: ObservedTrunk) -> LinkDiagnosis.Finding {
    let all = changes(from: observed, to: desired)
    let ofSite = all.filter { change in
      switch change {
      case .addPeer(let name), .updatePeer(let name, _): name == site.name
      case .removePeer, .updateFile, .addInclude, .reload: false
      }
    }
    let shared = all.filter { change in
      switch change {
      case .updateFile, .addInclude, .reload: true
      case .addPeer, .updatePeer, .removePeer: false
      }
    }
    let differences = ofSite + shared
    guard differences.isEmpty else {
      return evidence.differing(.trunk, "trunk", differences.map(\.description))
    }
    let withheld = desired.withheldExtensions.filter { $0.site == site.name }.map(\.description)
    if peer.codecs.isEmpty {
      return .wrong(
        .trunk, TrunkWarning.noCommonCodec(site.name).description,
        do: "Name a codec of the other site's in 'trunk: codecs:'.")
    }
    let users = peer.inbound.map(\.userName).joined(separator: " ")
    let found =
      "[\(TrunkNames.peer(peer.site))] at \(peer.address):\(peer.port), lets in \(users), "
      + (peer.encryption ? "encrypted" : "not encrypted by IAX2") + ", codecs "
      + peer.codecs.joined(separator: " ") + ", dialled "
      + (peer.extensions.isEmpty
        ? "for no extension" : peer.extensions.map(\.description).joined(separator: " "))
    guard withheld.isEmpty else {
      return .wrong(
        .trunk, "\(found); \(withheld.joined(separator: "; "))",
        do: "Have one of the sites announce other extensions ('numbers: extensions:').")
    }
    return .ok(.trunk, found)
  }

  private func qualify(_ observed: ObservedTrunk) -> LinkDiagnosis.Finding {
    guard let status = observed.peers[site.name].map(QualifyStatus.init) else {
      return .unknown(
        .qualify, "Asterisk does not say", do: "See the lines 'asterisk' and 'trunk'; 'pbxlink doctor' helps."
      )
    }
    guard !status.isReachable else { return .ok(.qualify, "\(status): Asterisk over there answers") }
    return .wrong(
      .qualify, "\(status): Asterisk over there does not answer our POKE in time",
      do: PeerStatus.remedy(for: .trunkDown, site, status, canBeReached: true)
        ?? "Run 'pbxlink doctor' there.")
  }

  private var testCall: LinkDiagnosis.Finding {
    let call: TestCall
    switch evidence.testCall {
    case .unseen(let unseen): return .unknown(.testCall, unseen)
    case .seen(nil):
      return .unknown(
        .testCall, "none placed yet", do: "The agent places one within seconds once all lines above are well."
      )
    case .seen(let last?): call = last
    }
    let found = "\(call.outcome.words), \(call.seconds.milliseconds), \(call.time)"
    return call.outcome == .answered
      ? .ok(.testCall, found) : .wrong(.testCall, found, do: TestCall.advice)
  }

  private func calls(_ peer: TrunkPeer) -> LinkDiagnosis.Finding {
    switch evidence.calls {
    case .unseen(let unseen): return .unknown(.calls, unseen)
    case .seen(let count) where count >= peer.callLimit:
      return .wrong(
        .calls, "\(count) of \(peer.callLimit): no further call gets through",
        do: PeerStatus.fullAdvice)
    case .seen(let count): return .ok(.calls, "\(count) of \(peer.callLimit)")
    }
  }
}
