// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: pbxlink contributors

import Glibc
import PBXLinkCore
import PBXLinkSystem

/// What it costs to verify and merge descriptors, against the least that it can cost: the two signatures of each,
/// its own and that of the membership in it.
struct DocumentBenchmark {
  private static let count = 10_000
  private static let rounds = 5
  private let mesh: MeshIdentity
  private let descriptors: [String]
  private let cryptography = OpenSSLCryptography()

  init() throws {
    let authority = try Ed25519PrivateKey.generate()
    guard let name = MeshName("acme") else { throw Command.Failure(description: "acme is no name") }
    mesh = MeshIdentity(name: name, authority: authority.publicKey)
    descriptors = try (0..<Self.count).map { [mesh, cryptography] number in
      try SampleSite(number, of: mesh, signedBy: authority, using: cryptography).descriptor
    }
  }

  func run() async throws {
    var rates: [Double] = []
    var bounds: [Double] = []
    for _ in 0..<Self.rounds {
      // What else the machine does changes from second to second: the signatures before and after count half each.
      let before = try await Self.signaturesPerSecond()
      rates.append(try mergedPerSecond())
      bounds.append((before + (try await Self.signaturesPerSecond())) / 4)
    }
    let bytes = descriptors.reduce(0) { $0 + $1.utf8.count } / Self.count
    let ratios = zip(rates, bounds).map { $0 / $1 }
    print("| what | pbxlink | two signatures each | ratio | target |")
    print("|---|---|---|---|---|")
    print(
      Row(
        what: "\(Self.count) descriptors of \(bytes) bytes verified and merged",
        ours: "\(Int(rates.median))/s",
        theirs: "\(Int(bounds.median))/s", ratio: ratios.median, target: "0.80 at least"))
  }

  /// Into an empty directory, by the time that this thread had the processor.
  private func mergedPerSecond() throws -> Double {
    var directory = Directory(mesh: mesh)
    let start = Self.processorTime
    for descriptor in descriptors { _ = try directory.merge(descriptor, using: cryptography) }
    let elapsed = Self.processorTime - start
    guard directory.descriptors.count == Self.count, directory.memberships.count == Self.count else {
      throw Command.Failure(description: "only \(directory.descriptors.count) descriptors were merged")
    }
    return Double(Self.count) / (elapsed / .seconds(1))
  }

  private static var processorTime: Duration {
    var time = timespec()
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time)
    return .seconds(time.tv_sec) + .nanoseconds(time.tv_nsec)
  }

  /// Ed25519 verifications by OpenSSL's own measure, which is of processor time too.
  private static func signaturesPerSecond() async throws -> Double {
    let report = try await Command.run("openssl speed -seconds 2 ed25519")
    guard let line = report.split(separator: "\n").last, line.contains("Ed25519"),
      let rate = line.split(separator: " ").last.flatMap({ Double($0) })
    else { throw Command.Failure(description: "openssl speed says nothing of Ed25519: \(report)") }
    return rate
  }
}
