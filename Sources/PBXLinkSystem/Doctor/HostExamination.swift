// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: pbxlink contributors

internal import Glibc
public import PBXLinkCore

/// `pbxlink doctor`: looks at the host and changes nothing. It needs no agent and no Asterisk, and says what
/// it may not look at.
public struct HostExamination: Sendable {
  let siteFile: String
  let siteFileState: FileFacts.SiteFileState
  let configuration: PBXLinkCore.Configuration
  let isRoot = geteuid() == 0
  /// What the agent of this host has stored, read without it.
  let stored: Look<StoredSite?>
  let mayAdministerNetwork: Bool

  /// Reads the site file and the store; a fault in them is a finding, not an error.
  public init(siteFile: String) {
    self.siteFile = siteFile
    (siteFileState, configuration) = Self.read(siteFile)
    stored = Self.look { [configuration] in try StoredSite.read(configuration) }
    mayAdministerNetwork = Self.hasNetworkCapability
  }

  /// The findings.
  public func run() async -> Examination {
    let now = Engine.clock()
    let state = await agentState()
    let tunnel = await backend(of: state)
    let facts = HostFacts(
      agent: AgentFacts(state: state, plan: await plan(state, tunnel, at: now)),
      asterisk: await asterisk(state, at: now), tunnel: await tunnelFacts(state),
      firewall: await firewall(state), clock: await clock(), ports: await ports(state, tunnel),
      files: FileFacts(
        siteFile: siteFile, siteFileState: siteFileState, entries: entries(), stateFault: stateFault))
    return facts.examination(at: now)
  }

  private static func read(_ path: String) -> (FileFacts.SiteFileState, PBXLinkCore.Configuration) {
    do {
      guard access(path, R_OK) == 0 else {
        if errno == ENOENT { return (.missing, PBXLinkCore.Configuration()) }
        throw AsteriskError.file(path: path, operation: "read", errno: errno)
      }
    } catch {
      return (.unseen(unseen(error)), PBXLinkCore.Configuration())
    }
    do {
      return (.good, try SiteFile.read(path))
    } catch {
      return (.bad("\(error)"), PBXLinkCore.Configuration())
    }
  }

  /// A look that an error ends.
  static func look<Value: Sendable>(_ body: () throws -> Value) -> Look<Value> {
    do {
      return .seen(try body())
    } catch {
      return .unseen(unseen(error))
    }
  }

  /// A look that an error ends.
  static func look<Value: Sendable>(_ body: () async throws -> Value) async -> Look<Value> {
    do {
      return .seen(try await body())
    } catch {
      return .unseen(unseen(error))
    }
  }

  /// Why something could not be looked at; for anyone but root, root may.
  static func unseen(_ error: any Error) -> Unseen {
    if let error = error as? Blind { return error.unseen }
    return Unseen(
      "\(error)",
      remedy: geteuid() == 0
        ? "Put this right and run 'pbxlink doctor' again." : "Run 'pbxlink doctor' as root.")
  }
}

/// Ends a look with a reason and a remedy of its own.
struct Blind: Error {
  let unseen: Unseen
  init(_ reason: String, remedy: String) { unseen = Unseen(reason, remedy: remedy) }
}
