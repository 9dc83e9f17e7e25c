// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: pbxlink contributors

/// The files that pbxlink owns in Asterisk's configuration directory.
public enum TrunkFile: String, Hashable, Sendable, CaseIterable, CustomStringConvertible {
  case iax, extensions, manager

  /// The name of the file and of Asterisk's own file that includes it.
  public var description: String { "\(rawValue).conf" }
}

/// The text of our files; an empty one stands for a file that is not there.
///
/// Three things hold for all of them. Every key is explicit, because deleting a line does not undo it on a
/// reload. Nothing uses templates or `(+)` without need, because an error in one drops the rest of the file.
/// The order is fixed, so equal configurations give equal bytes.
public struct TrunkFiles: Hashable, Sendable, CustomStringConvertible, CustomReflectable {
  private var texts: [TrunkFile: String] = [:]

  /// Files from what was read.
  public init(iax: String = "", extensions: String = "", manager: String = "") {
    texts = [.iax: iax, .extensions: extensions, .manager: manager]
  }

  /// Renders a configuration. `enablingManager` turns Asterisk's manager interface on, bound to loopback;
  /// it must be false where the admin has turned it on.
  public init(_ configuration: TrunkConfiguration, enablingManager: Bool) throws(TrunkError) {
    try configuration.validate()
    self.init(rendering: configuration, enablingManager: enablingManager)
  }

  init(rendering configuration: TrunkConfiguration, enablingManager: Bool) {
    self.init(
      iax: configuration.iaxText, extensions: configuration.dialplanText,
      manager: configuration.managerText(enabling: enablingManager))
  }

  /// The text of one file.
  public subscript(file: TrunkFile) -> String {
    get { texts[file] ?? "" }
    set { texts[file] = newValue }
  }

  /// Users and peers.
  public var iax: String { self[.iax] }
  /// The dialplan.
  public var extensions: String { self[.extensions] }
  /// Our manager user.
  public var manager: String { self[.manager] }

  /// Never the text: it has secrets.
  public var description: String {
    "TrunkFiles(\(TrunkFile.allCases.map { "\($0): \(self[$0].utf8.count) bytes" }.joined(separator: ", ")))"
  }
  /// No children.
  public var customMirror: Mirror { Mirror(self, children: [:]) }
}

extension TrunkConfiguration {
  /// What text from outside must be before it goes into a file: no line break, bracket, comment or
  /// expression can pass.
  func validate() throws(TrunkError) {
    for context in phoneContexts + (localContext.map { [$0] } ?? []) {
      let isName =
        (1...79).contains(context.utf8.count)
        && context.utf8.allSatisfy { $0.isASCIIWordByte || $0 == 0x2d || $0 == 0x2e }
      guard isName, !context.lowercased().hasPrefix(TrunkNames.contextPrefix) else {
        throw .context(context)
      }
    }
    for peer in peers {
      guard peer.address.family == .v4 else { throw .address(peer.site, peer.address) }
      let users = peer.inbound.map { ($0.userName, peer.site) } + [(peer.outbound.userName, site)]
      for (name, caller) in users
      where TrunkNames.site(ofSection: name) != caller
        || !name.utf8.allSatisfy({ $0.isASCIIWordByte || $0 == 0x2e })
        || !name.contains(".")
      { throw .userName(peer.site, name) }
    }
  }

  func header(_ file: TrunkFile) -> [String] {
    [
      "; \(file) of pbxlink, site \(site). Generated: do not edit, the agent puts its own text back.",
      "; To change it, edit pbxlink.yaml on this site and run 'pbxlink apply'.",
    ]
  }
}

extension UInt8 {
  /// A letter, a digit or an underscore.
  var isASCIIWordByte: Bool {
    (0x30...0x39).contains(self) || (0x41...0x5a).contains(self) || (0x61...0x7a).contains(self)
      || self == 0x5f
  }
}
