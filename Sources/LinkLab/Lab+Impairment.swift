// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: pbxlink contributors

extension Lab {
  /// Lets no UDP pass between the offices, as hotels and some companies do. ICMP says nothing of it.
  public func blockUDP() async throws {
    try await internet.run(
      ["nft", "-f", "-"],
      input: """
        table bridge lab {
          chain forward {
            type filter hook forward priority filter; policy accept;
            meta l4proto udp drop
          }
        }
        """
    ).checked()
  }

  /// Takes ``blockUDP()`` back.
  public func unblockUDP() async throws {
    try await internet.run(["nft", "delete", "table", "bridge", "lab"]).checked()
  }
}
