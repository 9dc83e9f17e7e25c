// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: pbxlink contributors

extension Descriptor {
  /// What a payload says, not checked yet.
  static func read(_ payload: [UInt8]) throws(DocumentError) -> Self {
    if let descriptor = try? CanonicalReader.read(payload, Self.init) { return descriptor }
    return try decodePayload(payload, kind: kind)
  }

  /// The same as the decoder gives. A key that is new here belongs where its name puts it in the order.
  init(_ reader: inout CanonicalReader) throws(CanonicalReader.OtherForm) {
    addresses = reader.has("addresses") ? try reader.texts() : nil
    try reader.key("agent_version")
    agentVersion = try reader.string()
    try reader.key("expires_at")
    expiresAt = Timestamp(seconds: try reader.integer())
    try reader.key("extensions")
    extensions = try reader.texts()
    try reader.key("issued_at")
    issuedAt = Timestamp(seconds: try reader.integer())
    try reader.key("membership")
    membership = try reader.string()
    openvpn = reader.has("openvpn") ? try reader.object(OpenVPN.init) : nil
    previous = reader.has("previous") ? try reader.string() : nil
    try reader.key("serial")
    serial = try reader.integer()
    try reader.key("trunk")
    trunk = try reader.object(Trunk.init)
    try reader.key("wireguard")
    wireguard = try reader.object(WireGuard.init)
  }
}

extension Descriptor.OpenVPN {
  fileprivate init(_ reader: inout CanonicalReader) throws(CanonicalReader.OtherForm) {
    try reader.key("endpoints")
    endpoints = try reader.texts()
    try reader.key("fingerprint")
    fingerprint = try reader.text()
  }
}

extension Descriptor.Trunk {
  fileprivate init(_ reader: inout CanonicalReader) throws(CanonicalReader.OtherForm) {
    try reader.key("call_limit")
    callLimit = try reader.integer()
    try reader.key("codecs")
    codecs = try reader.texts()
    try reader.key("encryption")
    encryption = try reader.boolean()
    try reader.key("keys")
    keys = try reader.list { reader throws(CanonicalReader.OtherForm) in
      try reader.object(Descriptor.TrunkKey.init)
    }
    try reader.key("port")
    port = try reader.integer()
  }
}

extension Descriptor.TrunkKey {
  fileprivate init(_ reader: inout CanonicalReader) throws(CanonicalReader.OtherForm) {
    try reader.key("generation")
    generation = try reader.integer()
    try reader.key("public_key")
    publicKey = try reader.text()
  }
}

extension Descriptor.WireGuard {
  fileprivate init(_ reader: inout CanonicalReader) throws(CanonicalReader.OtherForm) {
    try reader.key("endpoints")
    endpoints = try reader.texts()
    nextPublicKey = reader.has("next_public_key") ? try reader.text() : nil
    try reader.key("public_key")
    publicKey = try reader.text()
  }
}
