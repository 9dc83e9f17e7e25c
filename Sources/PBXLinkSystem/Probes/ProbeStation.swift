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
  private var pacing = ReadPacing()
  /// Datagrams handled in one go, so that no peer's flood keeps the queue from its own probes.
  private static let batch = 64

  init(_ place: Place, port: UInt16, open: @escaping Opener) {
    self.place = place
    self.port = port
    self.open = open
  }

  private var sockets: [DatagramSocket] { [sender, paddedSender, reflector].compactMap(\.self) }

  /// Opens the sockets, and opens them again when the interface was replaced.
  /// - Parameter body: called on the queue when there is something to read.
  func refresh(on queue: DispatchQueue, whenReadable body: @escaping @Sendable () -> Void) {
    // All are of one interface.
    if let sender, sender.isCurrent { return }
    close()
    do throws(DatagramError) {
      let senders = (try open(place.interface, place.local, 0), try open(place.interface, place.local, 0))
      let reflector = try open(place.interface, place.local, port)
      (sender, paddedSender) = senders
      (self.reflector, failure, pacing) = (reflector, nil, ReadPacing())
      for socket in sockets { socket.whenReadable(on: queue, body) }
    } catch {
      failure = error
    }
  }

  func close() {
    for socket in sockets { socket.stop() }
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

  /// When to read without being called back; nil: not before that.
  var nextRead: Duration? { pacing.next }

  /// Reads what waits, and chooses how to learn of what comes next.
  /// - Parameters:
  ///   - take: takes an answer.
  ///   - reflect: takes a probe in that has waited for some time, and gives our end of its BFD session.
  func read(
    at now: Duration, take: (Answer) -> Void,
    reflect: (_ peer: IPAddress, _ probe: STAMPPacket, _ age: Duration) -> BFDPacket?
  ) {
    let counts = [readAnswers(take), readAnswersToPadded(take), self.reflect(reflect)]
    let former = pacing.isPolling
    pacing.read(counts.reduce(0, +), isMore: counts.contains(Self.batch), at: now)
    guard pacing.isPolling != former else { return }
    for socket in sockets { if pacing.isPolling { socket.pause() } else { socket.resume() } }
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

  /// Gives the datagrams that wait to somebody, and returns how many there were.
  private func drain(_ socket: DatagramSocket?, _ body: (DatagramSocket.Datagram) -> Void) -> Int {
    for count in 0..<Self.batch {
      guard let datagram = socket?.receive() else { return count }
      body(datagram)
    }
    return Self.batch
  }

  private func readAnswersToPadded(_ take: (Answer) -> Void) -> Int {
    drain(paddedSender) { datagram in
      guard let peer = datagram.source.address, datagram.source.port == port,
        let answer = STAMPReflection(bytes: datagram.bytes)
      else { return }
      take(Answer(peer: peer, kind: .padded(answer), age: datagram.age))
    }
  }

  private func readAnswers(_ take: (Answer) -> Void) -> Int {
    drain(sender) { datagram in
      let kind: Answer.Kind? =
        datagram.source.port == port
        ? STAMPReflection(bytes: datagram.bytes).map(Answer.Kind.agent)
        : IAXPoke(answeredBy: datagram.bytes).map(Answer.Kind.asterisk)
      guard let peer = datagram.source.address, let kind else { return }
      take(Answer(peer: peer, kind: kind, age: datagram.age))
    }
  }

  /// Answers the probes that wait, each at its own length by the way that it came.
  private func reflect(_ take: (_ peer: IPAddress, _ probe: STAMPPacket, _ age: Duration) -> BFDPacket?)
    -> Int
  {
    drain(reflector) { datagram in
      guard let peer = datagram.source.address, peers.contains(peer),
        let packet = STAMPPacket(bytes: datagram.bytes)
      else { return }
      let liveness = take(peer, packet, datagram.age)
      let answer = STAMPReflection(
        to: packet, number: count(peer, datagram.source.port), receivedAt: datagram.arrival,
        ttl: datagram.ttl, sentAt: NTPTimestamp.now, liveness: liveness)
      do throws(DatagramError) {
        try reflector?.send(answer.bytes, to: datagram.source)
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
