// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: pbxlink contributors

extension OpenVPNChange: DisruptiveChange {
  /// What comes after the removal of an interface that is replaced, or of the shared port, waits for it.
  public func needs(_ other: OpenVPNChange) -> Bool {
    switch other {
    case .removeLink(let interface, replaced: true): self.interface == interface
    case .stopSharedPort(replaced: true): interface == nil
    default: false
    }
  }

  /// Whether it is about a link: its own interface and process, or the shared port that it is called by.
  public func disrupts(_ link: OpenVPNLink) -> Bool {
    if let interface { return interface == link.interface }
    if case .listen = link.role { return true } else { return false }
  }
}
