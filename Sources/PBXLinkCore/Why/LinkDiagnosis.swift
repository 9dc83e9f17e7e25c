// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: pbxlink contributors

/// The chain from the documents to the trunk for one site, and the first layer that is not as it should be. Its
/// JSON form has the schema `pbxlink.why/1`.
public struct LinkDiagnosis: Hashable, Sendable, Codable {
  /// How the site stands in the mesh.
  public enum Standing: String, Hashable, Sendable, Codable {
    /// This site itself.
    case own
    /// Admitted, with a descriptor.
    case member
    /// Admitted, without a descriptor yet.
    case pending
    /// Admitted, but it shares something with an earlier member.
    case conflict
    /// Has an invitation that nobody has used.
    case invited
    /// Out for good.
    case revoked
    /// Nothing is known of it here.
    case unknown
  }

  /// The layers, in the order in which each needs those before it.
  public enum Layer: String, Hashable, Sendable, Codable, CaseIterable {
    /// The authority's word that it is a site.
    case membership
    /// Its own word on how to reach it.
    case descriptor
    /// What is wanted of the link here.
    case desired
    /// The time of day at both ends.
    case clock
    /// The WireGuard interface, and the site as its peer.
    case tunnel
    /// Where packets to its tunnel address go.
    case route
    /// Its OpenVPN interface and process.
    case openvpn
    /// Our nftables table, and the site in it.
    case firewall
    /// What the probes of its paths show.
    case probes
    /// Our Asterisk.
    case asterisk
    /// The trunk in our files and in Asterisk.
    case trunk
    /// Whether Asterisk over there answers.
    case qualify
    /// Whether it takes a call.
    case testCall = "test_call"
    /// Calls now, and how many there may be.
    case calls
  }

  /// Whether a layer is as it should be.
  public enum State: String, Hashable, Sendable, Codable {
    case ok, wrong
    /// It could not be looked at.
    case unknown
  }

  /// One layer.
  public struct Finding: Hashable, Sendable {
    /// The layer.
    public let layer: Layer
    /// Whether it is as it should be.
    public let state: State
    /// What was found.
    public let found: String
    /// What to do; nil when nothing is to be done.
    public let remedy: String?
  }

  /// The form of this document.
  public var schema = "pbxlink.why/1"
  /// When it was made, RFC 3339.
  public let time: String
  /// The site.
  public let site: String
  /// How it stands.
  public let standing: Standing
  /// The first layer that is not as it should be, or else the first that could not be looked at; nil when all are
  /// well.
  public let first: Layer?
  /// What was found, as far down as the link goes.
  public let layers: [Finding]

  init(of site: SiteName, _ standing: Standing, _ layers: [Finding], at now: Timestamp) {
    time = now.description
    self.site = site.description
    self.standing = standing
    self.layers = layers
    first = (layers.first { $0.state == .wrong } ?? layers.first { $0.state != .ok })?.layer
  }

  enum CodingKeys: String, CodingKey {
    case schema, time, site, standing, layers
    case first = "first_not_ok"
  }

  /// Encodes all keys: nothing wrong is null.
  public func encode(to encoder: any Encoder) throws {
    var container = encoder.container(keyedBy: CodingKeys.self)
    try container.encode(schema, forKey: .schema)
    try container.encode(time, forKey: .time)
    try container.encode(site, forKey: .site)
    try container.encode(standing, forKey: .standing)
    try container.encode(first, forKey: .first)
    try container.encode(layers, forKey: .layers)
  }

  /// The report for a terminal: a line a layer; the first one that is not well begins with "!" and says what to
  /// do. What is wrong behind it is most often its consequence.
  public func lines() -> [String] {
    let summary = first.map { "look at '\($0.rawValue)' first" } ?? "all layers are as they should be"
    var lines = ["\(site): \(standing == .own ? "this site" : standing.rawValue), \(summary)", ""]
    for finding in layers {
      let mark = finding.layer == first ? "! " : "  "
      lines.append(
        "\(mark)\(finding.layer.rawValue.padded(to: 10))  \(finding.state.rawValue.padded(to: 7))  "
          + finding.found)
      if finding.layer == first, let remedy = finding.remedy {
        lines.append(String(repeating: " ", count: 21) + "-> \(remedy)")
      }
    }
    return lines
  }
}

extension LinkDiagnosis.Finding: Codable {
  enum CodingKeys: CodingKey { case layer, state, found, remedy }

  /// Encodes all keys: no remedy is null.
  public func encode(to encoder: any Encoder) throws {
    var container = encoder.container(keyedBy: CodingKeys.self)
    try container.encode(layer, forKey: .layer)
    try container.encode(state, forKey: .state)
    try container.encode(found, forKey: .found)
    try container.encode(remedy, forKey: .remedy)
  }

  static func ok(_ layer: LinkDiagnosis.Layer, _ found: String) -> Self {
    Self(layer: layer, state: .ok, found: found, remedy: nil)
  }

  static func wrong(_ layer: LinkDiagnosis.Layer, _ found: String, do remedy: String) -> Self {
    Self(layer: layer, state: .wrong, found: found, remedy: remedy)
  }

  static func unknown(_ layer: LinkDiagnosis.Layer, _ found: String, do remedy: String) -> Self {
    Self(layer: layer, state: .unknown, found: found, remedy: remedy)
  }

  static func unknown(_ layer: LinkDiagnosis.Layer, _ unseen: Unseen) -> Self {
    .unknown(layer, "not looked at: \(unseen.reason)", do: unseen.remedy)
  }
}

extension String {
  fileprivate func padded(to width: Int) -> String {
    self + String(repeating: " ", count: max(0, width - count))
  }
}
