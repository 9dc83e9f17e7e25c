// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: pbxlink contributors

@testable import PBXLinkCore

extension World {
  /// Admits an office: `add-site` at the head office, and the line handed to the new one.
  mutating func addSite(
    _ name: SiteName, _ extensions: [ExtensionPattern], endpoints: [Endpoint] = [], isUsed: Bool = true
  ) throws {
    let life = (lives[name] ?? 0) + 1
    var line: String?
    do {
      let entropy = try InvitationEntropy.fake("\(name) \(life)")
      try step(head) { agent, now in
        let invited = try agent.invite(
          name, extensions: extensions, roles: [], lifetime: isUsed ? 86_400 : 60, entropy: entropy, at: now)
        line = invited.text
        return invited.effects
      }
    } catch is AgentError {
      return
    } catch is AdmissionError {
      return
    }
    // A command that dies with the agent has printed nothing.
    guard let line, offices[head]?.agent != nil else { return }
    lives[name] = life
    guard isUsed else { return }
    var configuration = Configuration()
    configuration.tunnel.endpoints = endpoints
    offices[name] = Office(keys: try .fake("\(name) \(life)"), configuration: configuration)
    offices[name]?.skew = Int64.random(in: -7_200...7_200, using: &random)
    offices[name]?.invitation = try Invitation.parse(line, now: now, using: cryptography)
    queue.schedule(.join(name), at: now + Int64.random(in: 1...30, using: &random))
  }

  /// `remove-site` at the head office.
  mutating func removeSite(_ name: SiteName) throws {
    guard let office = offices[head], let agent = office.agent else { return }
    var next = agent
    guard let effects = try? next.remove(name, reason: "closed", at: now) else { return }
    let signed = effects.pushes.flatMap(\.documents)
    for document in signed { lists[document] = next.directory.revokedIdentities }
    try keep(next, effects, signed, of: head)
  }

  /// One thing that admins, networks, servers or attackers do; the next one follows.
  mutating func mischief() throws {
    queue.schedule(.mischief, at: now + Int64.random(in: 5...40, using: &random))
    let names = offices.keys.sorted()
    guard let name = names.randomElement(using: &random) else { return }
    switch Int.random(in: 0..<100, using: &random) {
    case 0..<30: try addRandomSite()
    case 30..<38: if name != head { try removeSite(name) }
    case 38..<55: try changeSiteFile(of: name)
    case 55..<70: isolated = isolated.isEmpty ? Set(names.filter { _ in Bool.random(using: &random) }) : []
    case 70..<80: crash(name)
    default: try attack(name)
    }
  }

  private mutating func addRandomSite() throws {
    let number = Int.random(in: 20...39, using: &random)
    // Now and then the extensions are those of another site, which must be refused or harmless.
    let prefix = chance(100) ? Int.random(in: 20...39, using: &random) : number
    guard let name = SiteName("site-\(number)"), let pattern = ExtensionPattern("\(prefix)XX"),
      let endpoint = Endpoint("203.0.113.\(number):51820")
    else { return }
    // A name whose server is alive is not given to another one.
    if let identity = offices[name]?.keys.identity.publicKey,
      offices[head]?.agent?.directory.revokedIdentities.contains(identity) == false
    {
      return
    }
    try addSite(
      name, [pattern], endpoints: Bool.random(using: &random) ? [endpoint] : [], isUsed: !chance(150))
  }

  private mutating func changeSiteFile(of name: SiteName) throws {
    guard var configuration = offices[name]?.configuration,
      let own = offices[name]?.agent?.membership
    else { return }
    configuration.trunk.callLimit = Int.random(in: 1...9, using: &random)
    let granted = own.extensions.map(\.description)
    let narrower = granted.map { String($0.dropLast(2)) + "[0-4]X" }
    configuration.numbers.extensions =
      name == head || Bool.random(using: &random)
      ? configuration.numbers.extensions
      : narrower.compactMap { ExtensionPattern($0) }
    offices[name]?.configuration = configuration
    try step(name) { agent, now in try agent.handle(.configuration(configuration), at: now) }
  }

  /// Replays, cuts and forgeries, as a member that was broken into might send them.
  private mutating func attack(_ name: SiteName) throws {
    var documents = (0..<5).compactMap { _ in history.randomElement(using: &random) }
    if let victim = documents.first {
      documents.append(String(victim.dropLast(Int.random(in: 1...victim.count, using: &random))))
      documents.append(victim.replacing("A", with: "B"))
      documents.append(victim + String(repeating: "A", count: JWS.sizeLimit))
    }
    if let foreign = try? SampleMesh(authority: "mallory") {
      if let list = try? foreign.revocations([name.description], serial: 1_000) {
        documents.append(try foreign.sign(list))
      }
    }
    // Some flood, and leave everybody to everybody.
    if chance(250) {
      let flood = (0..<200).map { (documents.randomElement(using: &random) ?? "") + String($0, radix: 16) }
      documents += flood
    }
    let sender = offices.keys.sorted().randomElement(using: &random)
    let errand = Errand(push: offices.keys.sorted(), offer: offices.keys.sorted())
    try receive(
      documents.shuffled(using: &random), at: name, from: sender, errand: chance(200) ? errand : nil)
  }
}
