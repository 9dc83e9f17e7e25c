// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: pbxlink contributors

internal import FoundationEssentials
internal import Glibc
internal import PBXLinkCore

/// Everything that makes a server its site: the store, the keys, the site file.
public struct Backup: Sendable {
  /// What is in it, without secrets.
  public let manifest: Manifest
  let siteFile: Data?
  let keys: [String: Secret]
  let database: Data

  /// What is in a backup, without secrets.
  public struct Manifest: Sendable, Codable {
    /// The form of this document.
    public var schema = "pbxlink.backup/1"
    /// The version of pbxlink that made it.
    public let version: String
    /// The mesh's name.
    public let mesh: String
    /// The authority's public key.
    public let authority: String
    /// The site's name.
    public let site: String
    /// When it was made, RFC 3339.
    public let time: String
    /// The serial of the site's newest descriptor; 0 for none.
    public let descriptorSerial: UInt64
    /// The serial of the site's membership; 0 for none.
    public let membershipSerial: UInt64
    /// The serial of the newest list of revocations known; 0 for none.
    public let revocationsSerial: UInt64
    /// How many documents are in it.
    public let documents: Int
    /// The names of the keys.
    public let keys: [String]
    /// Whether the mesh's authority key is among them.
    public let holdsAuthority: Bool
    /// Whether the site file is in it.
    public let hasSiteFile: Bool

    enum CodingKeys: String, CodingKey {
      case schema, version, mesh, authority, site, time, documents, keys
      case descriptorSerial = "descriptor_serial"
      case membershipSerial = "membership_serial"
      case revocationsSerial = "revocations_serial"
      case holdsAuthority = "holds_authority"
      case hasSiteFile = "has_site_file"
    }
  }

  /// The state of this server, as it is at one moment, whether its agent runs or not.
  public init(siteFile path: String) throws {
    let configuration = try SiteFile.readIfPresent(path)
    let store = configuration.stateDirectory + "/state.sqlite"
    let directory = configuration.stateDirectory + "/keys"
    guard access(store, F_OK) == 0, access(directory, F_OK) == 0 else {
      throw Failure(
        "There is no state in \(configuration.stateDirectory): nothing to back up. Run this as root.",
        .noInput)
    }
    let files = try KeyFiles(directory: directory)
    // A key is never changed: one that comes or goes meanwhile is in it, whichever the store already names.
    let before = try files.all()
    database = try Store.snapshot(of: store)
    keys = before.merging(try files.all()) { key, _ in key }
    siteFile = access(path, F_OK) == 0 ? try Data(contentsOf: URL(filePath: path)) : nil
    let site = try Self.site(of: configuration)
    let own = site.directory.membership(of: site.identity)?.version.serial
    manifest = Manifest(
      version: Version.current, mesh: site.mesh.identity.name.description,
      authority: site.mesh.identity.authority.description, site: site.mesh.site.description,
      time: Engine.clock().description,
      descriptorSerial: site.directory.descriptor(of: site.identity)?.version.serial ?? 0,
      membershipSerial: own ?? 0, revocationsSerial: site.directory.revocations.first?.version.serial ?? 0,
      documents: site.directory.allDocuments().count, keys: keys.keys.sorted(),
      holdsAuthority: site.holdsAuthority, hasSiteFile: siteFile != nil)
  }

  /// The agent as it would start; throws when the state is of no use to it.
  static func site(of configuration: PBXLinkCore.Configuration) throws -> Agent {
    switch try StoredSite.read(configuration)?.agent {
    case .seen(let agent?): return agent
    case .unseen(let reason): throw Failure(reason.reason, .dataError)
    case .seen(nil), nil: throw Failure("This server is in no mesh yet: nothing to back up.", .configuration)
    }
  }

  /// Writes it to a new file that the pass phrase opens.
  public func write(to path: String, replacing: Bool, passphrase: () throws -> Passphrase) throws {
    try PrivateFile.checkFree(path, replacing: replacing)
    let content = Content(
      manifest: manifest, siteFile: siteFile, keys: keys.mapValues { Data($0.exposedBytes) },
      database: database)
    let file = try SealedFile.seal(
      Array(try JSONEncoder().encode(content)), as: .backup, with: try passphrase())
    try PrivateFile.write(file, to: path, replacing: replacing)
  }

  /// Reads one from a file.
  public init(file path: String, passphrase: Passphrase) throws {
    let limit = SealedFile.sizeLimit + (1 << 20)
    let bytes = try SealedFile.open(
      try PrivateFile.read(path, limit: limit), as: .backup, with: passphrase, path: path)
    let data = Data(bytes)
    do {
      guard try JSONDecoder().decode(Form.self, from: data).format == Content.format else {
        throw SealedFileError.newer(path: path)
      }
      let content = try JSONDecoder().decode(Content.self, from: data)
      manifest = content.manifest
      siteFile = content.siteFile
      keys = content.keys.mapValues(Secret.init)
      database = content.database
    } catch let error as DecodingError {
      // Its own text would show what is there instead.
      throw SealedFileError.badContent(path: path, detail: error.place)
    }
  }

  private struct Form: Decodable { let format: Int }

  private struct Content: Codable {
    static let format = 1
    var format = Self.format
    let manifest: Manifest
    let siteFile: Data?
    let keys: [String: Data]
    let database: Data

    enum CodingKeys: String, CodingKey {
      case format, manifest, keys, database
      case siteFile = "site_file"
    }
  }
}

extension DecodingError {
  /// Which key is missing or wrong, without its value.
  var place: String {
    let (path, problem): ([any CodingKey], String) =
      switch self {
      case .keyNotFound(let key, let context): (context.codingPath + [key], "missing")
      case .valueNotFound(_, let context): (context.codingPath, "empty")
      case .typeMismatch(_, let context): (context.codingPath, "of another kind")
      case .dataCorrupted(let context): (context.codingPath, "damaged")
      @unknown default: ([], "damaged")
      }
    return path.isEmpty ? problem : "'\(path.map(\.stringValue).joined(separator: "."))' is \(problem)"
  }
}
