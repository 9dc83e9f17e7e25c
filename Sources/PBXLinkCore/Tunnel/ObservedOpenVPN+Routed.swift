// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: pbxlink contributors

extension ObservedOpenVPN {
  /// The interfaces that packets to their peers take.
  public var routedInterfaces: Set<String> { Set(links.filter { !$0.value.routes.isEmpty }.keys) }
}
