// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: pbxlink contributors

/// A site that was admitted by its request and whose descriptor has not arrived: until then, or until a time, the
/// request stands for it, so that its tunnel gets through. It gets no trunk before its descriptor.
public struct AwaitedSite: Hashable, Sendable, Codable {
  /// What it asked with.
  public let request: EnrolmentRequest
  /// When its tunnel key is no longer let in.
  public let until: Timestamp
}

extension Site {
  /// The site with its request in place of the descriptor that it lacks.
  func standing(on request: EnrolmentRequest, of membership: String) -> Site {
    Site(
      membership: self.membership, descriptor: request.descriptor(of: membership),
      isMembershipExpired: isMembershipExpired, isDescriptorExpired: false, isNotYetValid: isNotYetValid,
      conflict: conflict, emergencyNumbers: emergencyNumbers)
  }
}
