// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: pbxlink contributors

/// Open UDP ports, as the kernel lists them. chan_iax2 says that it listens even where its socket failed.
enum UDPSockets {
  /// The local ports in this network namespace.
  static func openPorts() throws(AsteriskError) -> Set<UInt16> {
    // ss --listening --udp --numeric
    let texts = try ["/proc/net/udp", "/proc/net/udp6"].map { path throws(AsteriskError) in
      String(decoding: try AsteriskFile.read(path) ?? [], as: UTF8.self)
    }
    return Set(texts.flatMap(ports))
  }

  /// The second field of each line after the first is `address:port` in hexadecimal (proc_net_udp(5)).
  static func ports(in text: String) -> [UInt16] {
    text.split(separator: "\n").dropFirst().compactMap { line in
      line.split(separator: " ").dropFirst().first?.split(separator: ":").last.flatMap {
        UInt16($0, radix: 16)
      }
    }
  }
}
