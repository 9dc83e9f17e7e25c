// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: pbxlink contributors

import Foundation
import Testing

@testable import PBXLinkCore

@Suite("The states of links in the journal")
struct LinkStatesTests {
  let now = Offices.now

  private func peer(_ state: PeerStatus.State, _ name: String = "lyon", advice: String? = nil) -> PeerStatus {
    PeerStatus(
      name: name, state: state, path: nil, paths: [], roundTrip: nil, lossTransmit: nil, lossReceive: nil,
      jitter: nil, mos: nil, lastHandshake: nil, received: nil, sent: nil, calls: 0, callLimit: 4, trunk: nil,
      extensions: [], addresses: [], advice: advice)
  }

  private var lyon: SiteName { get throws { try #require(SiteName("lyon")) } }

  @Test("each change is told once, with its cause and how long it was as before")
  func changes() throws {
    var states = LinkStates()
    #expect(states.update([peer(.pending)], isSettling: false, at: now).isEmpty)
    #expect(
      states.update([peer(.up)], isSettling: false, at: now + 5).map(\.text) == [
        "link to 'lyon' is up after 5 s pending"
      ])
    #expect(states.update([peer(.up)], isSettling: false, at: now + 10).isEmpty)
    let down = states.update(
      [peer(.down, advice: "Nothing comes from there.")], isSettling: false, at: now + 3665)
    #expect(
      down == [
        JournalEntry(
          .linkDown, site: try lyon, "link to 'lyon' is down after 1 h 1 min up: Nothing comes from there.")
      ])
    #expect(states.since(try lyon, .down) == now + 3665)
    #expect(Seconds.words(172_799) == "47 h 59 min" && Seconds.words(180_000) == "2 d 2 h")
    #expect(states.update([peer(.trunkDown)], isSettling: false, at: now + 3700).map(\.kind) == [.trunkDown])
    #expect(
      states.update([peer(.degraded)], isSettling: false, at: now + 3701).map(\.kind) == [.linkDegraded])
  }

  @Test("a link at its cap is still up: calls that come and go are no news")
  func full() throws {
    var states = LinkStates()
    _ = states.update([peer(.up)], isSettling: false, at: now)
    #expect(states.update([peer(.full)], isSettling: false, at: now + 60).isEmpty)
    #expect(states.update([peer(.up)], isSettling: false, at: now + 120).isEmpty)
    #expect(states.since(try lyon, .full) == now)
  }

  @Test("an agent that starts again tells nothing of a link that is as it was, and waits for it to come up")
  func restart() throws {
    var states = LinkStates(journal: [try lyon: (.linkUp, now + -3600)])
    #expect(states.update([peer(.down)], isSettling: true, at: now).isEmpty)
    #expect(states.since(try lyon, .down) == nil, "it is not known yet")
    #expect(states.update([peer(.up)], isSettling: true, at: now + 5).isEmpty)
    #expect(states.since(try lyon, .up) == now + -3600)
    var other = LinkStates(journal: [try lyon: (.linkUp, now + -3600)])
    #expect(other.update([peer(.down)], isSettling: false, at: now + 31).map(\.kind) == [.linkDown])
  }

  @Test("refused test calls have their own events; a site that is gone is forgotten")
  func others() throws {
    var states = LinkStates(journal: [try lyon: (.callsRefused, now + -60)])
    #expect(states.since(try lyon, .callsRefused) == now + -60)
    #expect(states.update([peer(.up)], isSettling: false, at: now).isEmpty)
    #expect(states.update([peer(.callsRefused)], isSettling: false, at: now + 1).isEmpty)
    _ = states.update([], isSettling: false, at: now + 2)
    #expect(states.since(try lyon, .callsRefused) == nil)
    #expect(states.update([peer(.disabled)], isSettling: false, at: now + 3).isEmpty)
  }

  @Test("a clock that goes back makes no negative times")
  func clock() {
    var states = LinkStates()
    _ = states.update([peer(.up)], isSettling: false, at: now)
    #expect(
      states.update([peer(.down)], isSettling: false, at: now + -100).map(\.text) == [
        "link to 'lyon' is down after 0 s up"
      ])
  }

  @Test("docs/formats.md names every kind of event")
  func documentation() throws {
    let root = (0..<4).reduce(URL(filePath: #filePath)) { url, _ in url.deletingLastPathComponent() }
    let text = try String(contentsOf: root.appending(path: "docs/formats.md"), encoding: .utf8)
    for kind in JournalEntry.Kind.allCases {
      #expect(text.contains("`\(kind.rawValue)`"), "\(kind.rawValue)")
    }
  }
}
