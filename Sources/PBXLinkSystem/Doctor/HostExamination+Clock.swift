// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: pbxlink contributors

internal import PBXLinkCore

extension HostExamination {
  func clock() async -> ClockFacts {
    ClockFacts(
      highestTime: Self.look { try stored.get()?.highestTime }, isSynchronized: await isSynchronized())
  }

  private func isSynchronized() async -> Look<Bool> {
    await Self.look {
      // timedatectl show --property NTPSynchronized --value
      let answer = try? await Tool.run("timedatectl", ["show", "--property", "NTPSynchronized", "--value"])
      switch answer?.output.split(whereSeparator: \.isNewline).first {
      case "yes": return true
      case "no": return false
      default:
        throw Blind(
          "timedatectl does not say whether the clock follows a time server",
          remedy:
            "Look with the time service's own tool, such as 'chronyc tracking'; in a container, on its host.")
      }
    }
  }
}
