// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: pbxlink contributors

internal import PBXLinkCore

extension Engine {
  /// Runs BFD with the routers that the site file lists.
  func watchNeighbors() async { await bfd.watch(configuration.bfd.all, configuration.bfd.detection.timing) }

  /// A router has come or gone.
  func note(_ change: BFDSessions.Change) {
    let address = change.neighbor.address
    guard change.session.state != .up else {
      return journal(JournalEntry(.neighborUp, "router \(address) is up (BFD)"))
    }
    let why = change.session.diagnostic.words ?? "no reason known"
    let theirs = (change.session.remote?.diagnostic.words).map { "; its own reason: \($0)" } ?? ""
    journal(JournalEntry(.neighborDown, "router \(address) is down (BFD): \(why)\(theirs)"))
  }
}
