// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: pbxlink contributors

internal import Glibc
internal import NIOCore
internal import NIOPosix
public import PBXLinkCore

/// Owns a public TCP port and passes each connection to the openvpn process of the peer whose tls-auth key
/// made its first packet. Whoever else connects gets no byte.
public struct SharedPortServer: Sendable {
  /// What it prints once it listens.
  static let readiness = "ready\n"

  private static let everywhere = (
    v6: IPAddress(family: .v6, value: 0), v4: IPAddress(family: .v4, value: 0)
  )

  private let listen: ResolvedEndpoint
  private let directory: String
  private let patience: Duration

  /// Listens on an address; the peers are those that ``SharedPortProcess/install(_:)`` left in the directory.
  public init(listen: ResolvedEndpoint, directory: String) {
    self.init(listen: listen, directory: directory, patience: .seconds(10))
  }

  /// `patience` is the time that a connection has to reach its peer's process.
  init(listen: ResolvedEndpoint, directory: String, patience: Duration) {
    self.listen = listen
    self.directory = directory
    self.patience = patience
  }

  /// Serves until it is killed. Prints a line and lets go of all outputs when it listens.
  public func run() async throws {
    var limit = rlimit()
    // Two descriptors a connection; the usual soft limit of 1024 would end at 500 peers.
    if getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit) == 0 {
      limit.rlim_cur = limit.rlim_max
      setrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit)
    }
    try await serve { _ in
      guard try SharedPortLock(directory: directory).take(for: listen) else {
        throw SharedPortError.alreadyRuns(directory: directory)
      }
      _ = write(STDOUT_FILENO, Self.readiness, Self.readiness.utf8.count)
      let nowhere = open("/dev/null", O_RDWR)
      for descriptor in [STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO] { dup2(nowhere, descriptor) }
    }
  }

  /// Serves until the task is cancelled; tells the port as soon as it listens.
  func serve(_ isListening: (UInt16) throws -> Void) async throws {
    // One loop, so that what connections share needs no locks; and one thread beside it for the keys.
    let group = MultiThreadedEventLoopGroup(numberOfThreads: 1)
    let keys = NIOThreadPool(numberOfThreads: 1)
    keys.start()
    let outcome: Result<Void, any Error>
    do {
      let channel = try await bind(group.next(), keys, to: listen.address)
      try isListening(UInt16(channel.localAddress?.port ?? 0))
      try await withTaskCancellationHandler {
        try await channel.closeFuture.get()
      } onCancel: {
        channel.close(promise: nil)
      }
      outcome = .success(())
    } catch {
      outcome = .failure(error)
    }
    try await group.shutdownGracefully()
    try await keys.shutdownGracefully()
    try outcome.get()
  }

  private func bind(
    _ loop: any EventLoop, _ keys: NIOThreadPool, to address: IPAddress
  ) async throws -> any Channel {
    let waiting = NIOLoopBoundBox.makeBoxSendingValue(SharedPortWaiting(), eventLoop: loop)
    let table = SharedPortTable(directory: directory)
    let patience = TimeAmount(patience)
    do {
      return try await ServerBootstrap(group: loop)
        .serverChannelOption(.backlog, value: 256)
        .serverChannelOption(.socketOption(.so_reuseaddr), value: 1)
        .childChannelOption(.allowRemoteHalfClosure, value: true)
        .childChannelOption(.tcpOption(.tcp_nodelay), value: 1)
        .childChannelOption(.socketOption(.so_keepalive), value: 1)
        .childChannelInitializer { channel in
          channel.eventLoop.makeCompletedFuture {
            try channel.pipeline.syncOperations.addHandler(
              SharedPortConnection(table: table, keys: keys, waiting: waiting.value, patience: patience))
          }
        }
        .bind(to: SocketAddress(ipAddress: "\(address)", port: Int(listen.port))).get()
    } catch let error as IOError where error.errnoCode == EAFNOSUPPORT && address == Self.everywhere.v6 {
      // A kernel without IPv6.
      return try await bind(loop, keys, to: Self.everywhere.v4)
    } catch let error as IOError where error.errnoCode == EADDRINUSE {
      throw SharedPortError.portTaken(listen)
    } catch let error as IOError {
      let remedy =
        switch error.errnoCode {
        case EACCES, EPERM: "; ports below 1024 need CAP_NET_BIND_SERVICE"
        case EADDRNOTAVAIL: "; no interface has this address"
        default: ""
        }
      throw SharedPortError.notListening(
        listen, reason: String(cString: strerror(error.errnoCode)) + remedy)
    }
  }
}
