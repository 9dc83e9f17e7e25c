// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: pbxlink contributors

internal import PBXLinkCore

/// Who is told of events.
protocol HookTarget: Sendable {
  /// For people; never with what is secret in a URL.
  var name: String { get }
  /// Throws ``HookError`` when it was not taken.
  func deliver(_ message: EventMessage) async throws
}

/// A message that was not taken.
struct HookError: Error, CustomStringConvertible {
  let description: String
  /// Whether the same message would be refused again.
  var isFinal = false
}
