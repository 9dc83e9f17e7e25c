// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: pbxlink contributors

internal import PBXLinkCore

extension HostExamination {
  private var installation: AsteriskInstallation {
    AsteriskInstallation(configurationDirectory: configuration.asterisk.configurationDirectory)
  }

  var trunkPlane: AsteriskTrunkPlane { AsteriskTrunkPlane(installation: installation) }

  func asterisk(_ state: AgentFacts.State, at now: Timestamp) async -> AsteriskFacts {
    let plane = trunkPlane
    let version = await installedVersion()
    let isInstalled = if case .seen(nil) = version { false } else { true }
    let trunk: Look<ObservedTrunk> = await Self.look {
      guard isInstalled else { throw AsteriskError.commandMissing }
      return try await plane.observe()
    }
    var addresses: [String] = []
    if case .member(let status) = state { addresses = status.site.addresses }
    return AsteriskFacts(
      version: version, trunk: trunk, manager: await manager(plane, trunk), openUsers: admittedByName(),
      configuration: wantedTrunks(at: now), port: configuration.trunk.port, tunnelAddresses: addresses,
      isMember: isMember(state), mayAsk: isRoot)
  }

  private func installedVersion() async -> Look<AsteriskVersion?> {
    do {
      let text = try await AsteriskCommandLine().version()
      guard let version = AsteriskVersion(text) else {
        return .unseen(
          Unseen(
            "'asterisk -V' does not print a release number",
            remedy: "Compare your build with Asterisk's advisories."
          ))
      }
      return .seen(version)
    } catch AsteriskError.commandMissing {
      return .seen(nil)
    } catch {
      return .unseen(Self.unseen(error))
    }
  }

  /// Logs in as our user.
  private func manager(
    _ plane: AsteriskTrunkPlane, _ trunk: Look<ObservedTrunk>
  ) async -> Look<AsteriskFacts.Manager?> {
    guard trunk.value?.isRunning == true else { return .seen(nil) }
    return await Self.look {
      guard let access = try await plane.currentAccess() else { return .absent }
      do {
        _ = try await AMIClient.withConnection(port: access.port, secret: access.secret) { client in
          try await client.coreStatus()
        }
        return .answers
      } catch let error as AMIError {
        return .fails(error.description)
      }
    }
  }

  /// Files that cannot be read are told with the trunk plane's own look.
  private func admittedByName() -> [AsteriskConfigFindings.Finding] {
    let reader = AsteriskConfigReader(directory: configuration.asterisk.configurationDirectory)
    return openUsers(in: (try? reader.lines(of: TrunkFile.iax.description)) ?? [])
  }

  /// The trunks by the stored documents; by the site file alone where there are none.
  private func wantedTrunks(at now: Timestamp) -> TrunkConfiguration {
    let agent = stored.value??.agent.value ?? nil
    return (try? agent?.desiredState(at: now))?.trunk ?? TrunkConfiguration(siteFile: configuration)
  }
}
