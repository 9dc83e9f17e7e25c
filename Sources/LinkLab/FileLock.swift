// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: pbxlink contributors

import Glibc

/// An exclusive lock between processes, held until the value goes away or the process ends.
final class FileLock {
  private let path: String
  private let descriptor: Int32

  /// Takes the lock without waiting; nil when another process has it. flock(2)
  init?(path: String) {
    while true {
      let descriptor = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0o600)
      guard descriptor >= 0 else { return nil }
      guard flock(descriptor, LOCK_EX | LOCK_NB) == 0 else {
        close(descriptor)
        return nil
      }
      // The holder before may have removed the file between our open and our lock.
      var (ours, current) = (stat(), stat())
      if fstat(descriptor, &ours) == 0, stat(path, &current) == 0, ours.st_ino == current.st_ino {
        (self.path, self.descriptor) = (path, descriptor)
        return
      }
      close(descriptor)
    }
  }

  deinit {
    unlink(path)
    close(descriptor)
  }
}
