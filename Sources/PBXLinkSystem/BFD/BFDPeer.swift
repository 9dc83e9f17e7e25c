// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: pbxlink contributors

internal import Glibc
internal import PBXLinkCore

/// A neighbor, the session with it, and the socket that its packets leave by. It belongs to the queue that it is used on.
final class BFDPeer {
  /// Opens a socket on an address and a port.
  typealias Opener = @Sendable (_ local: IPAddress, _ port: UInt16) throws(DatagramError) -> DatagramSocket

  /// Ours, as the routes choose it.
  static let anyAddress = IPAddress(family: .v4, value: 0)
  /// One of these for all packets of a session (RFC 5881 §4).
  private static let sourcePorts: ClosedRange<UInt16> = 49152...65535

  let neighbor: BFDNeighbor
  var session: BFDNeighborSession
  /// Why the last packet did not leave.
  private(set) var failure: DatagramError?
  private let open: Opener
  private var local = anyAddress
  private var port = UInt16.random(in: sourcePorts)
  private var socket: DatagramSocket?

  init(_ neighbor: BFDNeighbor, _ session: BFDNeighborSession, open: @escaping Opener) {
    self.neighbor = neighbor
    self.session = session
    self.open = open
  }

  /// The neighbor knows us by this address, which is to be the source of our packets.
  func learn(_ address: IPAddress?) {
    guard let address, address != local, session.session.state != .up else { return }
    local = address
    close()
  }

  func send(_ packet: BFDPacket) {
    do throws(DatagramError) {
      let socket = try openSocket()
      try socket.send(packet.bytes, to: .init(neighbor.address, port: neighbor.distance.port))
      failure = nil
    } catch {
      failure = error
      // The address that we were known by may be gone.
      if error.errno == EADDRNOTAVAIL || error.errno == EINVAL { local = Self.anyAddress }
      close()
    }
  }

  /// Tells the neighbor that we stop.
  func takeLeave() {
    send(session.lastPacket())
    close()
  }

  private func openSocket() throws(DatagramError) -> DatagramSocket {
    if let socket { return socket }
    var attempts = 16
    while true {
      do throws(DatagramError) {
        let socket = try open(local, port)
        self.socket = socket
        return socket
      } catch {
        attempts -= 1
        guard error.errno == EADDRINUSE, attempts > 0 else { throw error }
        port = .random(in: Self.sourcePorts)
      }
    }
  }

  private func close() {
    socket?.stop()
    socket = nil
  }
}
