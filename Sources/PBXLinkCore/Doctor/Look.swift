// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: pbxlink contributors

/// What a look at the host has shown, or why it could not be taken.
public enum Look<Value: Sendable>: Sendable {
  /// What is there.
  case seen(Value)
  /// Why nothing is known.
  case unseen(Unseen)

  /// What is there; nil where nothing is known.
  public var value: Value? { if case .seen(let value) = self { value } else { nil } }
}

/// Why a look could not be taken.
public struct Unseen: Hashable, Sendable {
  /// The reason.
  public let reason: String
  /// How it can be taken.
  public let remedy: String

  /// A reason and a remedy.
  public init(_ reason: String, remedy: String) {
    self.reason = reason
    self.remedy = remedy
  }
}
