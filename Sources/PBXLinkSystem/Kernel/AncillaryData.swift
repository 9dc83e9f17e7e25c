// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: pbxlink contributors

internal import Glibc
internal import PBXLinkCore

/// What the kernel tells of a datagram besides its bytes: a sequence of `struct cmsghdr` (length, level, type), each with
/// its value behind it, aligned to a word (cmsg(3)).
struct AncillaryData {
  /// Room for an `int`, a `struct timespec` and a `struct in_pktinfo`; zero where the kernel has written nothing.
  var words: (UInt, UInt, UInt, UInt, UInt, UInt, UInt, UInt, UInt, UInt, UInt, UInt) =
    (0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0)

  /// The TTL that the datagram came with (`IP_RECVTTL`).
  var ttl: UInt8? {
    value(level: Int32(IPPROTO_IP), type: IP_TTL, as: Int32.self).map(UInt8.init(truncatingIfNeeded:))
  }

  /// Our address that it was sent to: `ipi_spec_dst` of a `struct in_pktinfo`, after the interface (`IP_PKTINFO`).
  var destination: IPAddress? {
    value(level: Int32(IPPROTO_IP), type: IP_PKTINFO, as: (Int32, UInt32, UInt32).self).flatMap { info in
      withUnsafeBytes(of: info.1) { IPAddress(bytes: $0) }
    }
  }

  /// When it came, by the system's clock (`SO_TIMESTAMPNS`).
  var arrival: NTPTimestamp? {
    value(level: SOL_SOCKET, type: SO_TIMESTAMPNS, as: timespec.self).map {
      NTPTimestamp(unixSeconds: Int64($0.tv_sec), nanoseconds: Int64($0.tv_nsec))
    }
  }

  private func value<Value: BitwiseCopyable>(level: Int32, type: Int32, as: Value.Type) -> Value? {
    withUnsafeBytes(of: words) { bytes in
      let header = MemoryLayout<cmsghdr>.size
      var offset = 0
      while offset + header <= bytes.count {
        let found = bytes.loadUnaligned(fromByteOffset: offset, as: cmsghdr.self)
        let length = Int(found.cmsg_len)
        guard length >= header, offset + length <= bytes.count else { return nil }
        if found.cmsg_level == level, found.cmsg_type == type, length - header >= MemoryLayout<Value>.size {
          return bytes.loadUnaligned(fromByteOffset: offset + header, as: Value.self)
        }
        let word = MemoryLayout<UInt>.size
        offset += (length + word - 1) / word * word
      }
      return nil
    }
  }
}
