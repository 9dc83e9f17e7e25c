// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: pbxlink contributors

public import PBXLinkCore

/// A peer that connects to the shared port, and where its own openvpn process listens.
public struct SharedPortPeer: Hashable, Sendable {
  /// The tls-auth key of the pair, 256 bytes; the peer uses it with key direction 1.
  public let controlKey: Secret
  /// The TCP port on 127.0.0.1.
  public let port: UInt16

  /// A peer.
  public init(controlKey: Secret, port: UInt16) {
    self.controlKey = controlKey
    self.port = port
  }
}
