// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: pbxlink contributors

/// Bytes that must not appear in logs, status, errors or process lists. Printing, dumping or interpolating
/// one gives "<secret>"; it can neither be encoded nor decoded by accident.
public struct Secret: Hashable, Sendable, CustomStringConvertible, CustomDebugStringConvertible,
  CustomReflectable
{
  /// The bytes, for the one place that must have them.
  public let exposedBytes: [UInt8]

  /// Wraps secret bytes.
  public init(_ bytes: some Sequence<UInt8>) { exposedBytes = Array(bytes) }

  /// The bytes in lower-case hexadecimal, for configuration files that must hold them.
  public var exposedHex: String {
    exposedBytes.map { byte in (byte < 16 ? "0" : "") + String(byte, radix: 16) }.joined()
  }

  /// Never the bytes.
  public var description: String { "<secret>" }
  /// Never the bytes.
  public var debugDescription: String { description }
  /// No children.
  public var customMirror: Mirror { Mirror(self, children: [:]) }
}
