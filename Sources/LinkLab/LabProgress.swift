// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: pbxlink contributors

/// What a lab is doing, for whoever watches.
public enum LabProgress: Sendable {
  /// A step began.
  case began(String)
  /// The step goes on: how much is done, of how much in all if that is known.
  case advanced(Int, of: Int?)
}

/// Receives progress; called from any task.
public typealias ProgressHandler = @Sendable (LabProgress) -> Void
