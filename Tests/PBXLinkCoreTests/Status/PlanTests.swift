// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: pbxlink contributors

import Testing

@testable import PBXLinkCore

@Suite("Plan")
struct PlanTests {
  @Test("nothing to change is said only when everything could be looked at")
  func empty() {
    #expect(Plan(steps: []).lines() == ["Nothing to change in tunnel, firewall and trunks."])
    #expect(Plan(steps: [], unknown: ["trunk: no answer"]).lines() == ["! trunk: no answer"])
  }

  @Test("changes are listed in order, with the gap that they cost")
  func lines() {
    let plan = Plan(
      steps: [
        .init(plane: "tunnel", change: "add peer"),
        .init(plane: "tunnel", change: "new link", expectedGap: 0.6),
      ], unknown: ["trunk: no answer"])
    #expect(
      plan.lines() == [
        "tunnel: add peer", "tunnel: new link   (expected gap 0.6 s)", "! trunk: no answer",
      ])
  }

  @Test("a table pads its columns by characters and leaves no trailing blanks")
  func table() {
    let table = TextTable(["A", "LONG", "C"], rows: [["é", "x", ""], ["long one", "", ""]])
    #expect(table.lines == ["A         LONG  C", "é         x", "long one"])
  }
}
