// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: pbxlink contributors

internal import NIOPosix

extension NIOThreadPool {
  /// Threads for calls that block. Those of dispatch queues are the ones that all tasks share: a few calls that wait
  /// there hold up everything else.
  static func blocking(threads: Int) -> NIOThreadPool {
    let pool = NIOThreadPool(numberOfThreads: threads)
    pool.start()
    return pool
  }
}
