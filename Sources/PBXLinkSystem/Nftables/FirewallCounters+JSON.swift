// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: pbxlink contributors

internal import FoundationEssentials
internal import PBXLinkCore

extension FirewallCounters {
  /// Reads what `nft --json list table inet pbxlink` printed (libnftables-json(5)).
  init(json: String) throws {
    var named: [FirewallTable.Counter: Count] = [:]
    var sources: [IPAddress: Count] = [:]
    for object in try JSONDecoder().decode(Listing.self, from: Data(json.utf8)).nftables {
      if let counter = object.counter, let name = FirewallTable.Counter(rawValue: counter.name) {
        named[name] = Count(packets: counter.packets, bytes: counter.bytes)
      }
      for element in object.set?.elem ?? [] {
        guard let elem = element.elem, let address = IPAddress(elem.val) else { continue }
        sources[address] = elem.counter
      }
    }
    self.init(named: named, sources: sources)
  }

  private struct Listing: Decodable { let nftables: [Object] }

  private struct Object: Decodable {
    let counter: NamedCounter?
    let set: ElementSet?
  }

  private struct NamedCounter: Decodable {
    let name: String
    let packets: UInt64
    let bytes: UInt64
  }

  private struct ElementSet: Decodable { let elem: [Element]? }

  /// Sets without counters list their elements as plain strings and prefixes, which are passed over.
  private struct Element: Decodable {
    struct Counted: Decodable {
      let val: String
      let counter: Count
    }
    let elem: Counted?

    enum CodingKeys: CodingKey { case elem }

    init(from decoder: any Decoder) throws {
      let container = try? decoder.container(keyedBy: CodingKeys.self)
      elem = try container?.decodeIfPresent(Counted.self, forKey: .elem)
    }
  }
}
