// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: pbxlink contributors

internal import Dispatch
internal import Glibc
internal import PBXLinkCore

/// The sockets on one interface: one that sends probes, and one that answers those of the peers there.
/// It belongs to the queue that it is used on.
final class ProbeStation {
  /// Where a station is.
  struct Place: Hashable {
    let interface: String
    let local: IPAddress
  }

  /// Opens a socket bound to an interface.
  typealias Opener =
    @Sendable (_ interface: String, _ local: IPAddress, _ port: UInt16) throws(DatagramError) ->
    DatagramSocket

  /// Whose probes are answered; the tunnel vouches for the address.
  var peers: Set<IPAddress> = [] {
    didSet { sessions = sessions.filter { peers.contains($0.key) } }
  }
  /// The probes of each peer that were answered, for the ports that it has sent from lately, the last one at the end.
  private var sessions: [IPAddress: [(port: UInt16, count: UInt32)]] = [:]
  /// Sessions that a peer may have at a time: its agent's, and some tool's.
  private static let sessionLimit = 4
  private(set) var failure: DatagramError?
  private let place: Place
  private let port: UInt16
  private let open: Opener
  private var sender: DatagramSocket?
  /// A session of its own for probes that are long, and get lost for that.
  private var paddedSender: DatagramSocket?
  private var reflector: DatagramSocket?
  /// Datagrams handled in one go, so that no peer's flood keeps the queue from its own probes.
  private static let batch = 64

  init(_ place: Place, port: UInt16, open: @escaping Opener) {
    self.place = place
    self.port = port
    self.open = open
  }

  /// Opens the sockets, and opens them again when the interface was replaced.
  func refresh(
    on queue: DispatchQueue, answer: @escaping @Sendable () -> Void, padded: @escaping @Sendable () -> Void,
    probe: @escaping @Sendable () -> Void
  ) {
    // All are of one interface.
    if let sender, sender.isCurrent { return }
    close()
    do throws(DatagramError) {
      let senders = (try open(place.interface, place.local, 0), try open(place.interface, place.local, 0))
      let reflector = try open(place.interface, place.local, port)
      senders.0.whenReadable(on: queue, answer)
      senders.1.whenReadable(on: queue, padded)
      reflector.whenReadable(on: queue, probe)
      (sender, paddedSender) = senders
      (self.reflector, failure) = (reflector, nil)
    } catch {
      failure = error
    }
  }

  func close() {
    for socket in [sender, paddedSender, reflector] { socket?.stop() }
    (sender, paddedSender, reflector) = (nil, nil, nil)
  }

  /// Sends a probe; one that cannot be sent is one that is not answered.
  func send(_ packet: STAMPPacket, to peer: IPAddress) { send(packet.bytes, to: peer, port: port) }

  /// Sends a long probe.
  func send(padded packet: STAMPPacket, to peer: IPAddress) {
    // One that the interface does not carry is one that is not answered.
    try? paddedSender?.send(packet.bytes, to: DatagramSocket.SocketAddress(peer, port: port))
  }

  /// Asks Asterisk there.
  func send(_ poke: IAXPoke, to peer: IPAddress, port: UInt16) { send(poke.bytes, to: peer, port: port) }

  private func send(_ bytes: [UInt8], to peer: IPAddress, port: UInt16) {
    guard let sender else { return }
    do throws(DatagramError) {
      try sender.send(bytes, to: DatagramSocket.SocketAddress(peer, port: port))
      failure = nil
    } catch {
      failure = error
    }
  }

  /// What has come back from a peer.
  struct Answer {
    enum Kind {
      case agent(STAMPReflection)
      case padded(STAMPReflection)
      case asterisk(IAXPoke)
    }

    let peer: IPAddress
    let kind: Kind
    /// For how long it has waited to be read.
    let age: Duration
  }

  /// The answers to long probes that wait.
  func answersToPadded() -> [Answer] {
    var answers: [Answer] = []
    while answers.count < Self.batch, let datagram = paddedSender?.receive() {
      guard let peer = datagram.source.address, datagram.source.port == port,
        let answer = STAMPReflection(bytes: datagram.bytes)
      else { continue }
      answers.append(Answer(peer: peer, kind: .padded(answer), age: datagram.age))
    }
    return answers
  }

  /// The other answers that wait.
  func answers() -> [Answer] {
    var answers: [Answer] = []
    while answers.count < Self.batch, let datagram = sender?.receive() {
      let kind: Answer.Kind? =
        datagram.source.port == port
        ? STAMPReflection(bytes: datagram.bytes).map(Answer.Kind.agent)
        : IAXPoke(answeredBy: datagram.bytes).map(Answer.Kind.asterisk)
      guard let peer = datagram.source.address, let kind else { continue }
      answers.append(Answer(peer: peer, kind: kind, age: datagram.age))
    }
    return answers
  }

  /// Answers the probes that wait, each at its own length by the way that it came.
  /// - Parameter take: takes a probe in that has waited for some time, and gives our end of its BFD session.
  func reflect(_ take: (_ peer: IPAddress, _ probe: STAMPPacket, _ age: Duration) -> BFDPacket?) {
    for _ in 0..<Self.batch {
      guard let reflector, let datagram = reflector.receive() else { break }
      guard let peer = datagram.source.address, peers.contains(peer),
        let packet = STAMPPacket(bytes: datagram.bytes)
      else { continue }
      let liveness = take(peer, packet, datagram.age)
      let answer = STAMPReflection(
        to: packet, number: count(peer, datagram.source.port), receivedAt: datagram.arrival,
        ttl: datagram.ttl, sentAt: NTPTimestamp.now, liveness: liveness)
      do throws(DatagramError) {
        try reflector.send(answer.bytes, to: datagram.source)
      } catch {
        // A long one that our interface does not carry is the peer's to find out.
        if error.errno != EMSGSIZE { failure = error }
      }
    }
  }

  /// Which packet of its session a peer has sent; another port is another session (RFC 8762 §4).
  private func count(_ peer: IPAddress, _ port: UInt16) -> UInt32 {
    var known = sessions[peer] ?? []
    let count = known.firstIndex { $0.port == port }.map { known.remove(at: $0).count } ?? 0
    if known.count == Self.sessionLimit { known.removeFirst() }
    known.append((port, count &+ 1))
    sessions[peer] = known
    return count
  }
}
