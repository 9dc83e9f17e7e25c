// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: pbxlink contributors

internal import CLinux

/// What glibc does with memory that is free again (mallopt(3), malloc_trim(3)). It keeps it, in up to eight heaps a
/// processor, each as large as the most that a thread has ever needed at once: ten times what the agent uses.
public enum Heap {
  /// One heap for all threads, which seldom want it at the same moment. To be called before there are others.
  public static func share() { clinux_share_heap() }

  /// Gives whole free pages back to the system.
  static func trim() { clinux_trim_heap() }
}
