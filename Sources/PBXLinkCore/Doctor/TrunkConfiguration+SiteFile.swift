// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: pbxlink contributors

extension TrunkConfiguration {
  /// What a site file alone says of the trunks: no peers, no keys. To judge Asterisk by, not to render.
  public init(siteFile configuration: Configuration) {
    self.init(
      site: .unnamed, peers: [], ownExtensions: configuration.numbers.extensions,
      emergency: configuration.numbers.emergency.numbers, localContext: configuration.asterisk.localContext,
      phoneContexts: configuration.asterisk.phoneContexts, managerPort: configuration.asterisk.managerPort,
      managerSecret: Secret([]))
  }
}

extension SiteName {
  /// Stands for a site that is in no mesh yet.
  fileprivate static let unnamed = Self(placeholder: "unnamed")

  private init(placeholder: String) { description = placeholder }
}
