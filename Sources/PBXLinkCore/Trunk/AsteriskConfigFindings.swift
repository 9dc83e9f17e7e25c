// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: pbxlink contributors

/// What the admin's files say that concerns us. The lines are those of one of Asterisk's files with all that
/// it includes, in the order of reading, without our own files.
public struct AsteriskConfigFindings: Hashable, Sendable {
  /// Something at a place in the admin's files.
  public struct Finding: Hashable, Sendable, CustomStringConvertible {
    /// Where it stands.
    public let location: AsteriskConfigLine.Location
    /// What it is.
    public let text: String
    /// `file:line: text`.
    public var description: String { "\(location): \(text)" }
  }

  /// Sections with names of ours: Asterisk would merge them with ours.
  public private(set) var clashes: [Finding] = []
  /// Lines at which Asterisk stops reading a file.
  public private(set) var breaks: [Finding] = []
  /// The names of all sections.
  public private(set) var sections: Set<String> = []
  /// `[general]`: the last value of each key, and where it stands.
  public private(set) var general: [String: Finding] = [:]

  /// Looks through the lines read for one of our files' parent.
  public init(_ lines: [AsteriskConfigLine], for file: TrunkFile) {
    var current = ""
    for line in lines {
      switch line.content {
      case .section(let name, let modifiers):
        check(name, modifiers, at: line.location)
        current = name.lowercased()
        sections.insert(name)
        if Self.isOurs(name, in: file) {
          clashes.append(
            Finding(location: line.location, text: "the section [\(name)] has a name of pbxlink's"))
        }
      case .entry(let key, let value) where current == "general":
        general[key] = Finding(location: line.location, text: value)
      case .broken(let reason):
        breaks.append(Finding(location: line.location, text: reason))
      case .entry, .include: break
      }
    }
  }

  /// `(+)` and templates need a section that was read before; otherwise Asterisk drops the rest of the file.
  private mutating func check(_ name: String, _ modifiers: [String], at location: AsteriskConfigLine.Location)
  {
    for modifier in modifiers where modifier != "!" {
      let needed = modifier == "+" ? name : modifier
      guard !sections.contains(where: { $0.lowercased() == needed.lowercased() }) else { continue }
      breaks.append(
        Finding(
          location: location, text: "[\(name)](\(modifier)) refers to [\(needed)], which is not before it"))
    }
  }

  /// Whether Asterisk would take a section for one of ours; it compares without regard to case.
  static func isOurs(_ name: String, in file: TrunkFile) -> Bool {
    let name = name.lowercased()
    return switch file {
    case .iax: name.hasPrefix(TrunkNames.peerPrefix)
    case .extensions: name.hasPrefix(TrunkNames.contextPrefix)
    case .manager: name == TrunkNames.managerUser
    }
  }

  /// Whether `[general]` turns something on (Asterisk's `ast_true`).
  public func isOn(_ key: String) -> Bool {
    ["yes", "true", "y", "t", "1", "on"].contains(general[key]?.text.lowercased() ?? "")
  }
}
