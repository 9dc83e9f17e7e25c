// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: pbxlink contributors

import FoundationEssentials
import LinkLab

/// nebula on each office, linked with the first one, which knows more hosts than there are.
struct Nebula {
  private let offices: [Office]
  private let known: Int

  init(_ offices: [Office], known: Int) {
    self.offices = offices
    self.known = known
  }

  func start() async throws {
    note("starting nebula")
    let certificates = "/etc/nebula"
    try await offices[0].run(["mkdir", "-p", certificates]).checked()
    try await sign(["ca", "-name", "acme"])
    for (number, office) in offices.enumerated() {
      try await sign([
        "sign", "-name", "\(office.name)", "-ip", "\(address(number))/16", "-out-crt", "\(number).crt",
        "-out-key", "\(number).key",
      ])
      for (file, name) in [
        ("ca.crt", "ca.crt"), ("\(number).crt", "host.crt"), ("\(number).key", "host.key"),
      ] {
        try await office.write(try offices[0].read("\(certificates)/\(file)"), to: "/etc/nebula/\(name)")
      }
      try await office.write(
        configuration(hosts: number == 0 ? 1...known : 0...0), to: "/etc/nebula/config.yml")
      try await office.spawn(["nebula", "-config", "/etc/nebula/config.yml"], name: "nebula")
    }
    for number in offices.indices.dropFirst() { try await offices[0].reach(address(number)) }
  }

  private func sign(_ arguments: [String]) async throws {
    try await offices[0].run(["env", "--chdir=/etc/nebula", "nebula-cert"] + arguments).checked()
  }

  private func address(_ number: Int) -> String { "10.81.\(number / 250).\(1 + number % 250)" }

  /// With punching as the example of the package has it: it holds NAT mappings open, as our keepalives do.
  private func configuration(hosts: ClosedRange<Int>) -> String {
    """
    pki: { ca: /etc/nebula/ca.crt, cert: /etc/nebula/host.crt, key: /etc/nebula/host.key }
    lighthouse: { am_lighthouse: false }
    listen: { host: 0.0.0.0, port: 4242 }
    punchy: { punch: true }
    tun: { dev: nebula0 }
    firewall:
      outbound: [{ port: any, proto: any, host: any }]
      inbound: [{ port: any, proto: any, host: any }]
    static_host_map:
    \(hosts.map { "  \(address($0)): [\"\(underlay($0)):4242\"]" }.joined(separator: "\n"))

    """
  }

  private func underlay(_ number: Int) -> String {
    number < offices.count ? "\(offices[number].plan.address)" : "203.0.113.\(1 + number % 250)"
  }
}

extension Office {
  /// Waits until an address refuses a connection, which takes an answer from there.
  func reach(_ address: String) async throws {
    try await wait(for: "\(address) to answer \(name)", upTo: .seconds(60)) {
      let attempt = try await run(["timeout", "1", "bash", "-c", "echo >/dev/tcp/\(address)/9"])
      return attempt.standardError.contains("refused") ? () : nil
    }
  }
}
