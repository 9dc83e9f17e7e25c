// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: pbxlink contributors

/// An announced pattern that gets no rule, as a second guard behind the rules of the number plan.
public struct WithheldExtension: Hashable, Sendable, CustomStringConvertible {
  /// Why there is no rule.
  public enum Reason: Hashable, Sendable {
    /// It includes one of the emergency numbers.
    case emergency
    /// It overlaps our own extensions.
    case ownExtension
    /// It overlaps what another site announces.
    case announcedBy(SiteName)
  }

  /// The site that announces it; our own name for our own extensions.
  public let site: SiteName
  /// The pattern.
  public let pattern: ExtensionPattern
  /// Why there is no rule.
  public let reason: Reason

  /// The pattern and the reason.
  public var description: String {
    switch reason {
    case .emergency: "\(pattern) of site \(site) includes an emergency number: not routed"
    case .ownExtension: "\(pattern) of site \(site) overlaps this site's own extensions: not routed"
    case .announcedBy(let other):
      "\(pattern) of site \(site) overlaps extensions of site \(other): not routed"
    }
  }
}

extension TrunkConfiguration {
  /// The emergency numbers that can be written into a dialplan: digits.
  var emergencyNumbers: [String] {
    Set(emergency.filter { !$0.isEmpty && $0.utf8.allSatisfy { (0x30...0x39).contains($0) } }).sorted()
  }

  func includesEmergency(_ pattern: ExtensionPattern) -> Bool {
    emergencyNumbers.contains(where: pattern.matches)
  }

  private func reasonToWithhold(_ pattern: ExtensionPattern, of peer: TrunkPeer) -> WithheldExtension.Reason?
  {
    if includesEmergency(pattern) { return .emergency }
    if ownExtensions.contains(where: pattern.overlaps) { return .ownExtension }
    return peers.first { $0.site < peer.site && $0.extensions.contains(where: pattern.overlaps) }
      .map { .announcedBy($0.site) }
  }

  /// The patterns that lead to a peer.
  func patternsDialled(at peer: TrunkPeer) -> [ExtensionPattern] {
    peer.extensions.filter { reasonToWithhold($0, of: peer) == nil }
  }

  /// What was announced and gets no rule.
  public var withheldExtensions: [WithheldExtension] {
    let own = ownExtensions.filter(includesEmergency).map {
      WithheldExtension(site: site, pattern: $0, reason: .emergency)
    }
    return own
      + peers.flatMap { peer in
        peer.extensions.compactMap { pattern in
          reasonToWithhold(pattern, of: peer).map {
            WithheldExtension(site: peer.site, pattern: pattern, reason: $0)
          }
        }
      }
  }
}
