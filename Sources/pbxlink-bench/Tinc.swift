// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: pbxlink contributors

import LinkLab

/// tincd on each office, connected with the first one, which knows more hosts than there are.
struct Tinc {
  private static let folder = "/etc/tinc/bench"
  private let offices: [Office]
  private let known: Int

  init(_ offices: [Office], known: Int) {
    self.offices = offices
    self.known = known
  }

  func start() async throws {
    note("starting tincd")
    // One key for all: nobody is to be kept out.
    let key = try await Command.run("openssl genrsa -traditional 2048")
    let publicKey = try await Command.run("openssl rsa -RSAPublicKey_out", input: key)
    for (number, office) in offices.enumerated() {
      try await office.write(key, to: "\(Self.folder)/rsa_key.priv", mode: "600")
      try await office.write(
        "#!/bin/sh\nip address add \(address(number))/16 dev $INTERFACE\nip link set $INTERFACE up\n",
        to: "\(Self.folder)/tinc-up", mode: "755")
      let peers = number == 0 ? Array(1..<offices.count) : [0]
      try await office.write(
        "Name = site\(number)\nDeviceType = tun\nInterface = tinc0\nStrictSubnets = yes\n"
          + peers.map { "ConnectTo = site\($0)\n" }.joined(), to: "\(Self.folder)/tinc.conf")
      for host in number == 0 ? Array(0...known) : [0, number] {
        let place = host < offices.count ? "Address = \(offices[host].plan.address)\n" : ""
        try await office.write(
          "\(place)Subnet = \(address(host))/32\n\(publicKey)", to: "\(Self.folder)/hosts/site\(host)")
      }
      try await office.spawn(["tincd", "--net=bench", "--no-detach"], name: "tincd")
    }
    for number in offices.indices.dropFirst() { try await offices[0].reach(address(number)) }
  }

  private func address(_ number: Int) -> String { "10.82.\(number / 250).\(1 + number % 250)" }
}
