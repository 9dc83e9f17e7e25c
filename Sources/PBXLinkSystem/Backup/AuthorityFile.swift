// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: pbxlink contributors

internal import FoundationEssentials
internal import PBXLinkCore

/// The mesh's authority key in a file that a pass phrase opens. Who has both rules the mesh.
public struct AuthorityFile: Sendable {
  /// The mesh's name.
  public let mesh: String
  /// The public key.
  public let authority: String
  /// The key, as the control socket takes it.
  public let key: Control.AuthorityKey
  private let secret: Secret

  /// The key of this server's mesh; throws where it is not held.
  public init(siteFile path: String) throws {
    let configuration = try SiteFile.readIfPresent(path)
    let agent = try Backup.site(of: configuration)
    guard agent.holdsAuthority,
      let secret = try KeyFiles(directory: configuration.stateDirectory + "/keys")
        .authority(agent.directory.authority)?.secret
    else { throw AgentError.notAuthority(verb: "authority export", holders: agent.authorityHolders) }
    self.init(
      mesh: agent.mesh.identity.name.description, authority: agent.directory.authority.description,
      secret)
  }

  private init(mesh: String, authority: String, _ secret: Secret) {
    self.mesh = mesh
    self.authority = authority
    self.secret = secret
    key = Control.AuthorityKey(secret)
  }

  /// Writes a file and reads it back.
  public func write(to path: String, replacing: Bool, passphrase: () throws -> Passphrase) throws {
    try PrivateFile.checkFree(path, replacing: replacing)
    let passphrase = try passphrase()
    let content = Content(mesh: mesh, authority: authority, key: Base64URL.encode(secret.exposedBytes))
    let file = try SealedFile.seal(
      Array(try JSONEncoder().encode(content)), as: .authority, with: passphrase)
    try PrivateFile.write(file, to: path, replacing: replacing)
    guard try AuthorityFile(file: path, passphrase: passphrase).secret == secret else {
      throw SealedFileError.altered(path: path)
    }
  }

  /// Reads a file; the key in it must be the one that it names.
  public init(file path: String, passphrase: Passphrase) throws {
    let bytes = try SealedFile.open(
      try PrivateFile.read(path, limit: 1 << 16), as: .authority, with: passphrase, path: path)
    do {
      let content = try JSONDecoder().decode(Content.self, from: Data(bytes))
      guard content.format == Content.format else { throw SealedFileError.newer(path: path) }
      guard let key = Base64URL.decode(content.key), key.count == 32,
        try Ed25519PrivateKey(Secret(key)).publicKey.description == content.authority
      else { throw SealedFileError.badContent(path: path, detail: "the key is not the one that it names") }
      self.init(mesh: content.mesh, authority: content.authority, Secret(key))
    } catch let error as DecodingError {
      throw SealedFileError.badContent(path: path, detail: error.place)
    }
  }

  private struct Content: Codable {
    static let format = 1
    var format = Self.format
    let mesh: String
    let authority: String
    let key: String
  }
}
