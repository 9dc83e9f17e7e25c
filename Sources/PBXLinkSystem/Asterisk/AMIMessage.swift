// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: pbxlink contributors

/// One message of Asterisk's manager interface: a response or an event.
public struct AMIMessage: Hashable, Sendable {
  /// The headers in the order of arrival.
  public let headers: [Header]

  /// A name and a value.
  public struct Header: Hashable, Sendable {
    /// The name.
    public let name: String
    /// The value.
    public let value: String
  }

  /// The first value of a header; names are compared without regard to case.
  public subscript(name: String) -> String? {
    let wanted = name.lowercased()
    return headers.first { $0.name.utf8.count == wanted.utf8.count && $0.name.lowercased() == wanted }?.value
  }

  /// The name of the event; nil for a response.
  public var event: String? { self["Event"] }
}

/// What a manager connection carries, cut at empty lines.
enum AMIFrame: Hashable, Sendable {
  /// The first line, such as `Asterisk Call Manager/11.0.0`.
  case banner(String)
  case message(AMIMessage)
  /// `IAXnetstats` answers with bare lines, without `Response` and `ActionID`.
  case lines([String])

  init(lines: [String]) {
    let headers = lines.compactMap { line -> AMIMessage.Header? in
      guard let colon = line.utf8.firstIndex(of: UInt8(ascii: ":")) else { return nil }
      var value = line.utf8[line.utf8.index(after: colon)...]
      if value.first == UInt8(ascii: " ") { value = value.dropFirst() }
      return AMIMessage.Header(name: String(line[..<colon]), value: String(Substring(value)))
    }
    let isMessage = ["response", "event"].contains(headers.first?.name.lowercased())
    self = isMessage ? .message(AMIMessage(headers: headers)) : .lines(lines)
  }
}
