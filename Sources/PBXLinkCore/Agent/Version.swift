// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: pbxlink contributors

/// The version of pbxlink.
public enum Version {
  /// Semantic version of this build.
  public static let current = "0.1.0"
}
