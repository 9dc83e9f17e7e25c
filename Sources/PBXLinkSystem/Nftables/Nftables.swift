// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: pbxlink contributors

internal import FoundationEssentials
public import PBXLinkCore
internal import Subprocess
internal import SubprocessInput
internal import Synchronization
internal import SystemPackage

/// The table `inet pbxlink` in the kernel, through the `nft` command. It touches no other table.
public struct Nftables: Sendable {
  private let command: [String]
  private let generation: RulesetGeneration?
  private let last = LastApplied()

  /// What the table was last seen to be, and the ruleset's generation then.
  private final class LastApplied: Sendable {
    let state = Mutex<(configuration: FirewallConfiguration, generation: UInt32)?>(nil)
  }

  /// The table in the network namespace of the calling thread.
  public init() {
    // Who may not ask for the generation lists the table each time.
    self.init(command: ["nft"], generation: try? RulesetGeneration())
  }

  /// `command` is a command line that runs `nft`, such as in another network namespace; `generation` is that
  /// namespace's.
  init(command: [String], generation: RulesetGeneration? = nil) {
    (self.command, self.generation) = (command, generation)
  }

  /// Reads the table back; nil when there is none.
  public func observe() async throws(NftablesError) -> ObservedFirewall? {
    try await listing().map(ObservedFirewall.init(listing:))
  }

  /// Replaces the table in one transaction, unless it is as desired already, and reads it back; it is read only when
  /// somebody has changed the ruleset since the last time, since listing ten thousand members takes a second. When the
  /// kernel holds something else, the former table is put back and the first line that differs is reported.
  /// Returns what was different.
  @discardableResult
  public func apply(_ configuration: FirewallConfiguration) async throws(NftablesError) -> [FirewallChange] {
    // Asked for first: what changes from here on is seen the next time.
    let before = try? await generation?.current()
    if let before, let known = last.state.withLock({ $0 }), known == (configuration, before) { return [] }
    last.state.withLock { $0 = nil }
    let former = try await listing()
    let changes = PBXLinkCore.changes(from: former.map(ObservedFirewall.init(listing:)), to: configuration)
    guard !changes.isEmpty else {
      if let before { last.state.withLock { $0 = (configuration, before) } }
      return []
    }
    try await replace(by: configuration.listing, "install the table")
    let found = try await observe() ?? ObservedFirewall(listing: "")
    guard let difference = FirewallDifference(wanted: ObservedFirewall(configuration), found: found)
    else { return changes }
    do {
      try await replace(by: former ?? "", "put the former table back")
    } catch {
      throw .mismatch(difference, restoring: "\(error)")
    }
    throw .mismatch(difference, restoring: nil)
  }

  /// Deletes the table, if there is one.
  public func remove() async throws(NftablesError) {
    try await replace(by: "", "delete the table")
  }

  /// What passed and what was dropped since the table was last replaced; nil without a table.
  public func counters() async throws(NftablesError) -> FirewallCounters? {
    // nft --json list table inet pbxlink
    guard let json = try await list(["--json"]) else { return nil }
    do {
      return try FirewallCounters(json: json)
    } catch {
      throw .failed("read the counters", reason: "unexpected JSON from nft: \(error)")
    }
  }

  private func replace(by table: String, _ purpose: String) async throws(NftablesError) {
    // Adding first makes deleting safe where there is no table; one file is one transaction.
    // nft --file -
    let script = "add table inet pbxlink\ndelete table inet pbxlink\n\(table)"
    let result = try await nft(["--file", "-"], input: script, purpose)
    guard result.isSuccess else { throw NftablesError(purpose, stderr: result.error) }
  }

  private func listing() async throws(NftablesError) -> String? {
    // nft --stateless list table inet pbxlink
    try await list(["--stateless"])
  }

  private func list(_ options: [String]) async throws(NftablesError) -> String? {
    let purpose = "list the table"
    let result = try await nft(options + ["list", "table", "inet", "pbxlink"], input: "", purpose)
    if result.isSuccess { return result.output }
    guard !result.error.contains("No such file or directory") else { return nil }
    throw NftablesError(purpose, stderr: result.error)
  }

  private func nft(
    _ arguments: [String], input: String, _ purpose: String
  ) async throws(NftablesError) -> (isSuccess: Bool, output: String, error: String) {
    let command = command
    do {
      return try await withTimeLimit(
        Self.patience, late: NftablesError.failed(purpose, reason: "no answer in \(Self.patience)")
      ) {
        let result = try await run(
          command[0].contains("/") ? .path(FilePath(command[0])) : .name(command[0]),
          arguments: Arguments(Array(command.dropFirst()) + arguments),
          environment: .inherit.updating(["LC_ALL": "C"]), input: try .memory(input),
          output: .string(limit: Self.outputLimit), error: .string(limit: Self.outputLimit))
        return (result.terminationStatus.isSuccess, result.standardOutput, result.standardError)
      }
    } catch let error as NftablesError {
      throw error
    } catch let error as SubprocessError where error.code == .executableNotFound {
      throw .missing(command: command[0])
    } catch {
      throw .failed(purpose, reason: "\(error)")
    }
  }

  /// How long nft may take; ten thousand members take it a second.
  private static let patience = Duration.seconds(20)

  /// Bytes; ten thousand members of both families list as about 1 MiB.
  private static let outputLimit = 16 << 20
}
