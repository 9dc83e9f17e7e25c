// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: pbxlink contributors

/// Something that keeps calls from going through, or may, although nothing failed.
public enum TrunkWarning: Hashable, Sendable, CustomStringConvertible {
  /// Files are in place and take effect later.
  case notRunning
  /// Asterisk runs without IAX2.
  case noIAX2
  /// chan_iax2 says that it runs, and has no socket.
  case notListening(port: UInt16)
  /// Known defects of the version.
  case version(AsteriskVersion, String)
  /// The admin's files have an error that makes Asterisk drop the rest of a file.
  case broken(AsteriskConfigFindings.Finding)
  /// A context of the site file is not in Asterisk's dialplan files.
  case contextUnknown(String)
  /// Calls from peers are refused.
  case noLocalContext
  /// No call with this site can be set up.
  case noCommonCodec(SiteName)
  /// An announced pattern gets no rule.
  case withheld(WithheldExtension)

  /// What is wrong and what to do.
  public var description: String {
    switch self {
    case .notRunning: "Asterisk is not running: applied on its start"
    case .noIAX2:
      "Asterisk runs without chan_iax2: run 'asterisk -rx \"module load chan_iax2.so\"', check modules.conf"
    case .notListening(let port):
      "Asterisk has no socket on UDP port \(port): its bindaddr in iax.conf is an address that was not up when the "
        + "module loaded, or bindport differs; 'module unload chan_iax2.so' and 'module load' when no call is up"
    case .version(let version, let advisory): "Asterisk \(version) \(advisory)"
    case .broken(let finding): "\(finding); Asterisk ignores the rest of this file: correct it"
    case .contextUnknown(let name):
      "the context '\(name)' of the site file is not in extensions.conf or a file it includes: correct the name"
    case .noLocalContext:
      "asterisk.local_context is not set: calls from other sites are refused; name the context of your extensions"
    case .noCommonCodec(let site):
      "no codec in common with site \(site): calls with it fail; see trunk.codecs"
    case .withheld(let pattern): pattern.description
    }
  }
}

extension TrunkConfiguration {
  /// What an admin should hear about this configuration on this Asterisk.
  public func warnings(for observed: ObservedTrunk, port: UInt16) -> [TrunkWarning] {
    var warnings: [TrunkWarning] = []
    if !observed.isRunning {
      warnings.append(.notRunning)
    } else if !observed.hasIAX2 {
      warnings.append(.noIAX2)
    } else if !observed.openUDPPorts.contains(port) {
      warnings.append(.notListening(port: port))
    }
    if let version = observed.version {
      warnings += version.advisories.map { .version(version, $0) }
    }
    warnings += TrunkFile.allCases.flatMap { observed.findings[$0]?.breaks ?? [] }.map(TrunkWarning.broken)
    let contexts = observed.findings[.extensions]?.sections ?? []
    warnings += Set(phoneContexts + (localContext.map { [$0] } ?? [])).subtracting(contexts).sorted()
      .map(TrunkWarning.contextUnknown)
    if localContext == nil { warnings.append(.noLocalContext) }
    warnings += peers.filter(\.codecs.isEmpty).map { .noCommonCodec($0.site) }
    return warnings + withheldExtensions.map(TrunkWarning.withheld)
  }
}
