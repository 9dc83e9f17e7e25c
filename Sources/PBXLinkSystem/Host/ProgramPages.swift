// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: pbxlink contributors

internal import CLinux

/// The code and constants of the program and its libraries, as far as they are mapped. Most of what a start reads is
/// needed for nothing else, but what is mapped is the last that the kernel takes back.
enum ProgramPages {
  /// Unmaps all of them. The files stay in the page cache, from where what is still in use comes back at once.
  static func release() { clinux_release_program_pages() }
}
