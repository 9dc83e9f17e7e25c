// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: pbxlink contributors

internal import Glibc
internal import PBXLinkCore

extension NTPTimestamp {
  /// The system's clock.
  static var now: Self {
    var time = timespec()
    clock_gettime(CLOCK_REALTIME, &time)
    return Self(unixSeconds: Int64(time.tv_sec), nanoseconds: Int64(time.tv_nsec))
  }
}
