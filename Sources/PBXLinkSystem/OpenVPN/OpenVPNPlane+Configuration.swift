// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: pbxlink contributors

internal import PBXLinkCore

extension OpenVPNPlane {
  /// The plane of a site, in the network namespace of the calling thread.
  init(_ configuration: Configuration) throws(KernelError) {
    let directory = configuration.runtimeDirectory + "/openvpn"
    self.init(
      kernel: try RouteNetlink(), directory: directory, sharedPort: SharedPortProcess(directory: directory))
  }

  /// Throws unless openvpn is there and new enough.
  func checkVersion() async throws { try await processes.checkVersion() }
}
