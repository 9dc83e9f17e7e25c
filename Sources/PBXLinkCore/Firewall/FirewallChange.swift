// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: pbxlink contributors

/// One difference between the table in the kernel and the desired one. None of them costs a call of a
/// member: the table is replaced in one transaction, and connection tracking is not touched.
public enum FirewallChange: Hashable, Sendable, CustomStringConvertible {
  /// There is no table.
  case createTable
  /// A member is not let in yet.
  case addMember(IPAddress)
  /// An address that is no member's is still let in.
  case removeMember(IPAddress)
  /// An invitation's throw-away address is not let in yet.
  case addInvited(IPAddress)
  /// A throw-away address is still let in.
  case removeInvited(IPAddress)
  /// Something else differs: where, what is wanted there, what is there.
  case replaceTable(FirewallDifference)

  /// A phrase for the plan.
  public var description: String {
    switch self {
    case .createTable: "create table inet pbxlink"
    case .addMember(let address): "let member \(address) in"
    case .removeMember(let address): "shut \(address) out"
    case .addInvited(let address): "let \(address) reach the exchange to redeem its invitation"
    case .removeInvited(let address): "shut throw-away address \(address) out"
    case .replaceTable(let difference): "replace table inet pbxlink: \(difference)"
    }
  }
}

/// The differences, removals first; empty when the kernel holds what is desired.
public func changes(
  from observed: ObservedFirewall?, to desired: FirewallConfiguration
) -> [FirewallChange] {
  guard let observed else { return [.createTable] }
  let wanted = ObservedFirewall(desired)
  var changes: [FirewallChange] = []
  var removals: [FirewallChange] = []
  for (name, add, remove) in [
    (FirewallTable.members, FirewallChange.addMember, FirewallChange.removeMember),
    (FirewallTable.invited, FirewallChange.addInvited, FirewallChange.removeInvited),
  ] {
    let (present, required) = (observed.addresses(name), wanted.addresses(name))
    changes += required.subtracting(present).sorted().map(add)
    removals += present.subtracting(required).sorted().map(remove)
  }
  // Differences in membership are told above; anything else in those sets only when nothing else tells.
  let told = (removals + changes).isEmpty ? [] : [FirewallTable.members, FirewallTable.invited]
  if let difference = FirewallDifference(wanted: wanted, found: observed, ignoring: told) {
    changes.append(.replaceTable(difference))
  }
  return removals + changes
}
