// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: pbxlink contributors

extension Membership {
  /// What a payload says, not checked yet.
  static func read(_ payload: [UInt8]) throws(DocumentError) -> Self {
    if let membership = try? CanonicalReader.read(payload, Self.init) { return membership }
    return try decodePayload(payload, kind: kind)
  }

  /// The same as the decoder gives; those with a delegation, which are few, are left to it.
  init(_ reader: inout CanonicalReader) throws(CanonicalReader.OtherForm) {
    try reader.key("addresses")
    addresses = try reader.texts()
    admittedBy = reader.has("admitted_by") ? try reader.text() : nil
    delegation = nil
    try reader.key("extensions")
    extensions = try reader.texts()
    try reader.key("identity")
    identity = try reader.text()
    inviter = reader.has("inviter") ? try reader.string() : nil
    try reader.key("mesh")
    mesh = try reader.text()
    try reader.key("not_after")
    notAfter = Timestamp(seconds: try reader.integer())
    try reader.key("not_before")
    notBefore = Timestamp(seconds: try reader.integer())
    try reader.key("roles")
    roles = try reader.list { reader throws(CanonicalReader.OtherForm) in
      Role(rawValue: try reader.string())
    }
    try reader.key("serial")
    serial = try reader.integer()
    try reader.key("site")
    site = try reader.text()
  }
}
