// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: pbxlink contributors

import ArgumentParser
import LinkLab

/// `pbxlink-lab line SITE --delay 40 --jitter 80 --loss 5`
struct SetLine: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "line",
    abstract: "Make the line of an office worse, or well again.",
    discussion: """
        pbxlink-lab line lyon --jitter 80 --loss 5     # and see 'pbxlink status' there
        pbxlink-lab line lyon                          # well again

      What it does, it does to both directions.
      """)

  @OptionGroup var lab: LabOptions

  @Argument(help: "The office.")
  var site: String

  @Option(help: "Milliseconds that every packet takes.")
  var delay = 0

  @Option(help: "Milliseconds that a packet may take longer, evenly spread.")
  var jitter = 0

  @Option(help: "Packets of a hundred that are lost.")
  var loss = 0.0

  @Option(help: "The largest IP packet that gets through, in bytes; larger ones are lost without a word.")
  var mtu: Int?

  @Option(help: "Only for what goes to and comes from this office.")
  var towards: String?

  func validate() throws {
    guard (0...60_000).contains(delay), (0...60_000).contains(jitter), (0...100).contains(loss) else {
      throw ValidationError("Delay and jitter are 0 to 60000 ms, loss is 0 to 100.")
    }
    guard mtu.map({ (68...9000).contains($0) }) ?? true else {
      throw ValidationError("The MTU is 68 to 9000 bytes.")
    }
  }

  func run() async throws {
    let lab = try Lab.attach(lab.name)
    let peer = try towards.map { try lab.office(named: $0).plan.address }
    try await lab.setLine(
      of: try lab.office(named: site),
      to: Line(delay: delay, jitter: jitter, loss: loss, mtu: mtu, peer: peer),
      carriedBy: try binaries + "/pbxlink-lab")
  }
}
