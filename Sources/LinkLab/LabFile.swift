// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: pbxlink contributors

public import PBXLinkCore

/// A lab as its file describes it: offices around an internet.
public struct LabFile: Codable, Hashable, Sendable {
  /// How an office reaches the internet.
  public enum Network: String, Codable, Sendable, CaseIterable {
    /// With a public address of its own.
    case `public`
    /// Behind a router that masquerades and lets nothing in unasked.
    case nat
    /// Behind a router that gives each conversation another port, so that nobody can tell a third one which it
    /// will be (address and port-dependent mapping, RFC 4787 section 4.1).
    case symmetric
  }

  /// The Debian release whose Asterisk an office runs.
  public enum Release: String, Codable, Sendable, CaseIterable {
    /// The newest Asterisk in Debian.
    case sid
    /// Asterisk 16.28.
    case bullseye
  }

  /// What answers an extension.
  public enum Service: String, Codable, Sendable, CaseIterable {
    /// Answers and plays a tone until the caller hangs up.
    case tone
    /// Answers and sends back what it hears.
    case echo
    /// Rings and never answers.
    case ringing
    /// Refuses as busy.
    case busy
  }

  /// One number of an office.
  public struct Extension: Codable, Hashable, Sendable {
    /// Its digits.
    public var number: String
    /// What answers.
    public var service: Service
  }

  /// One office.
  public struct Office: Codable, Hashable, Sendable {
    /// Also the site's name.
    public var name: SiteName
    /// How it reaches the internet.
    public var network: Network
    /// Its address in the internet; its router's when behind NAT.
    public var address: IPAddress
    /// The network inside, for an office behind NAT.
    public var lan: IPPrefix
    /// Which Asterisk it runs.
    public var release: Release
    /// Its numbers; the first is the phone that places calls.
    public var extensions: [Extension]
    /// The contents of its site file, if it has one beside the lab file.
    public var siteFile: String?
  }

  /// The name of a lab made from it, unless another is asked for.
  public var name: SiteName
  /// The addresses of the internet; its first host is the gateway.
  public var internet: IPPrefix
  /// The offices in the order of the file.
  public var offices: [Office]

  /// The address of the internet's own end.
  public var gateway: IPAddress { internet.host(1) }
}

extension IPPrefix {
  /// The address of host `number` in the prefix.
  func host(_ number: UInt128) -> IPAddress {
    IPAddress(family: family, value: address.value + number)
  }

  /// `host` with the prefix length, as `ip address add` takes it.
  func interface(_ host: IPAddress) -> String { "\(host)/\(length)" }
}
