// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: pbxlink contributors

public import PBXLinkCore

extension SiteFile {
  /// A site file with every key explained: the values of `configuration` that differ from the defaults are
  /// set, the others stand in comments. It reads back as `configuration`.
  public static func commentedExample(_ configuration: Configuration) -> String {
    let defaults = Configuration()
    var text = """
      # pbxlink: the site file of this PBX.
      #
      # A value in a comment is the default or an example; remove the '#' to change it. Then run
      # 'pbxlink plan' to see what would change and 'pbxlink apply' to change it.

      """
    for section in sections {
      text += "\n# \(section.comment)\n\(section.name):\n"
      for key in keys where key.section == section.name {
        for line in key.comment.split(separator: "\n") { text += "  # \(line)\n" }
        let value = key.yaml(configuration)
        if let value, value != key.yaml(defaults) {
          text += "  \(key.name): \(value)\n"
        } else {
          text += "  #\(key.name): \(key.example)\n"
        }
      }
    }
    return text
  }
}
