// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: pbxlink contributors

/// IAX2 users without secret. Asterisk prefers such a user for a call that gives no user name, so one that
/// was left from a sample file, such as `[guest]`, lets anybody in who reaches the port.
/// - Parameter lines: iax.conf with all that it includes.
public func openUsers(in lines: [AsteriskConfigLine]) -> [AsteriskConfigFindings.Finding] {
  var sections: [IAXSection] = []
  for line in lines {
    switch line.content {
    case .section(let name, let modifiers):
      var section = IAXSection(name: name, isTemplate: modifiers.contains("!"), location: line.location)
      // A section has what its templates have, and `(+)` continues the one of its own name.
      for modifier in modifiers where modifier != "!" {
        let former = sections.last { $0.name == (modifier == "+" ? name : modifier) }
        section.keys.merge(former?.keys ?? [:]) { $1 }
      }
      if modifiers.contains("+") { sections.removeAll { $0.name == name } }
      sections.append(section)
    case .entry(let key, let value):
      guard !sections.isEmpty else { continue }
      sections[sections.count - 1].keys[key] = value
    case .include, .broken: break
    }
  }
  return sections.filter(\.isOpenUser).map { section in
    AsteriskConfigFindings.Finding(
      location: section.location, text: "the IAX2 user [\(section.name)] has no secret")
  }
}

private struct IAXSection {
  let name: String
  let isTemplate: Bool
  let location: AsteriskConfigLine.Location
  var keys: [String: String] = [:]

  var isOpenUser: Bool {
    guard !isTemplate, ["user", "friend"].contains(keys["type"]?.lowercased()) else { return false }
    let needsKey = keys["auth"]?.lowercased() == "rsa" && keys["inkeys"] != nil
    return !needsKey && ["secret", "dbsecret"].allSatisfy { keys[$0]?.isEmpty ?? true }
  }
}
