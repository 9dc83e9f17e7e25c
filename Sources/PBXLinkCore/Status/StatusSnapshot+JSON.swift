// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: pbxlink contributors

// What is unknown is null: the synthesized encoders would leave the key out, and a reader could not tell "not
// known" from "not in this version".

extension StatusSnapshot.AgentStatus {
  /// Encodes all keys.
  public func encode(to encoder: any Encoder) throws {
    var container = encoder.container(keyedBy: CodingKeys.self)
    try container.encode(version, forKey: .version)
    try container.encode(since, forKey: .since)
    try container.encode(tunnelBackend, forKey: .tunnelBackend)
    try container.encode(tunnelBackendReason, forKey: .tunnelBackendReason)
    try container.encode(asteriskVersion, forKey: .asteriskVersion)
    try container.encode(problems, forKey: .problems)
    try container.encode(isDown, forKey: .isDown)
  }
}

extension PeerStatus {
  /// Encodes all keys.
  public func encode(to encoder: any Encoder) throws {
    var container = encoder.container(keyedBy: CodingKeys.self)
    try container.encode(name, forKey: .name)
    try container.encode(state, forKey: .state)
    try container.encode(since, forKey: .since)
    try container.encode(path, forKey: .path)
    try container.encode(paths, forKey: .paths)
    try container.encode(roundTrip, forKey: .roundTrip)
    try container.encode(lossTransmit, forKey: .lossTransmit)
    try container.encode(lossReceive, forKey: .lossReceive)
    try container.encode(jitter, forKey: .jitter)
    try container.encode(mos, forKey: .mos)
    try container.encode(lastHandshake, forKey: .lastHandshake)
    try container.encode(received, forKey: .received)
    try container.encode(sent, forKey: .sent)
    try container.encode(calls, forKey: .calls)
    try container.encode(callLimit, forKey: .callLimit)
    try container.encode(trunk, forKey: .trunk)
    try container.encode(testCall, forKey: .testCall)
    try container.encode(extensions, forKey: .extensions)
    try container.encode(addresses, forKey: .addresses)
    try container.encode(advice, forKey: .advice)
  }
}
