// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: pbxlink contributors

import LinkLab
import PBXLinkCore
import Testing

@Suite("Enrolment by files", .serialized, .timeLimit(.minutes(10)), .offices("test-files", isLinked: false))
struct EnrolmentTests {
  let mesh: LinkedLab

  init() throws { mesh = try #require(LinkedLab.current) }

  /// `pbxlink.request/1`.
  private struct Request: Decodable {
    let fingerprint, request: String
  }

  /// `pbxlink.enrolment/1`.
  private struct Answer: Decodable {
    let authorityFingerprint: String

    enum CodingKeys: String, CodingKey { case authorityFingerprint = "authority_fingerprint" }
  }

  /// What the new office writes, carried to paris.
  private func request(from office: Office) async throws -> Request {
    let written = try await office.run(
      ["pbxlink", "join", "--request", "/run/request.jws", "--site", office.name.description, "--json"]
    ).checked().json(Request.self)
    try await carry("/run/request.jws", from: office, to: mesh.paris)
    return written
  }

  /// What paris answers, carried back.
  private func answer(
    _ office: Office, _ extensions: String, _ fingerprint: String
  ) async throws -> Answer {
    let answer = try await mesh.paris.run(
      [
        "pbxlink", "add-site", office.name.description, "--extensions", extensions, "--request",
        "/run/request.jws", "--fingerprint", fingerprint, "--answer", "/run/answer.jws", "--json",
      ]
    ).checked().json(Answer.self)
    try await carry("/run/answer.jws", from: mesh.paris, to: office)
    return answer
  }

  private func carry(_ file: String, from: Office, to: Office) async throws {
    let text = try await from.run(["cat", file]).checked().standardOutput
    try await to.run(["dd", "of=\(file)", "status=none"], input: text).checked()
  }

  /// Tests run in the order of the file; each leaves the offices usable for the next.
  @Test("where there is a network, two offices find each other as soon as the answer is taken, and calls go")
  func withNetwork() async throws {
    let (paris, lyon) = (try mesh.paris, try mesh.lyon)
    try await mesh.found()
    let request = try await request(from: lyon)
    #expect(try await lyon.run(["pbxlink", "status"]).status == 78, "a request alone makes no member")
    let answer = try await answer(lyon, "3XX", request.fingerprint)
    #expect(try await paris.status().peers.map(\.state) == [.pending])
    let join = ["pbxlink", "join", "/run/answer.jws", "--fingerprint", answer.authorityFingerprint]
    try await lyon.run(join).checked()
    try await mesh.waitForLink(paris, lyon)
    #expect(try await mesh.lab.call(from: lyon, to: "201").gaps(interface: "pbxlink0").isEmpty)
    // Safe to repeat, at either end.
    _ = try await self.answer(lyon, "3XX", request.fingerprint)
    try await lyon.run(join).checked()
    #expect(try await lyon.plan().steps.isEmpty)
    #expect(try await mesh.lab.call(from: paris, to: "301").gaps(interface: "pbxlink0").isEmpty)
  }

  @Test(
    "a request that is altered, foreign, of another kind or oversized is refused by name, and nothing changes"
  )
  func badRequests() async throws {
    let (paris, nice) = (try mesh.paris, try mesh.nice)
    let request = try await request(from: nice)
    let before = try await paris.run(["pbxlink", "sites", "--json"]).checked().standardOutput
    let jws = request.request
    let other = try await paris.run(["pbxlink", "descriptor", "export"]).checked().standardOutput
    let middle = jws.index(jws.startIndex, offsetBy: jws.count / 2)
    var altered = jws
    altered.replaceSubrange(middle...middle, with: jws[middle] == "A" ? "B" : "A")
    for (text, reason) in [
      (altered, "altered"), (String(jws.dropLast(9)), "signature"), (other, "kind 'descriptor'"),
      ("hello", "signed"),
      ("", "0 documents"), (jws + "\n" + jws, "2 documents"),
      ("eyJ" + String(repeating: "A", count: 20_000), "16384"),
    ] {
      try await paris.run(["dd", "of=/run/bad.jws", "status=none"], input: text).checked()
      let result = try await paris.run([
        "pbxlink", "add-site", "nice", "--request", "/run/bad.jws", "--fingerprint", request.fingerprint,
      ])
      #expect(result.status == 65, "\(result.standardError)")
      #expect(
        result.standardError.contains("/run/bad.jws") && result.standardError.contains(reason),
        "\(result.standardError)")
    }
    let add = ["pbxlink", "add-site", "nice", "--request", "/run/request.jws"]
    #expect(try await paris.run(add).status == 64, "nobody has compared the fingerprint")
    let wrong = try await paris.run(add + ["--fingerprint", "0000-0000-0000-0000-0000"])
    #expect(wrong.status == 65 && wrong.standardError.contains(request.fingerprint))
    #expect(try await paris.run(["pbxlink", "sites", "--json"]).checked().standardOutput == before)
    #expect(try await paris.run(["pbxlink", "add-site", "nice", "--request", "/run/none.jws"]).status == 66)
  }

  @Test("two offices that share a USB stick alone are linked by it")
  func withoutNetwork() async throws {
    let (paris, nice) = (try mesh.paris, try mesh.nice)
    try await mesh.lab.block(.udp)
    let request = try await request(from: nice)
    let answer = try await answer(nice, "4XX", request.fingerprint)
    // An answer for another server, and one that was spoiled, change nothing.
    let foreign = try await mesh.lyon.run(["cat", "/run/answer.jws"]).checked().standardOutput
    try await nice.run(["dd", "of=/run/foreign.jws", "status=none"], input: foreign).checked()
    for (file, reason) in [
      ("/run/foreign.jws", "for the server with fingerprint"), ("/run/request.jws", "kind 'request'"),
    ] {
      let result = try await nice.run(
        ["pbxlink", "join", file, "--fingerprint", answer.authorityFingerprint])
      #expect(result.status == 65, "\(result.standardError)")
      #expect(result.standardError.contains(try Regex(reason)), "\(result.standardError)")
      #expect(result.standardError.contains(file))
    }
    #expect(try await nice.run(["pbxlink", "status"]).status == 78)
    // As mail makes it: quoted.
    try await nice.shell("sed 's/^/> /' /run/answer.jws >/run/quoted.jws").checked()
    try await nice.run(
      ["pbxlink", "join", "/run/quoted.jws", "--fingerprint", answer.authorityFingerprint]
    ).checked()
    #expect(try await paris.status().peers.first { $0.name == "nice" }?.state == .pending)
    try await nice.shell("pbxlink descriptor export >/run/nice.jws").checked()
    try await carry("/run/nice.jws", from: nice, to: paris)
    try await paris.run(["pbxlink", "descriptor", "import", "/run/nice.jws"]).checked()
    #expect(try await paris.status().peers.first { $0.name == "nice" }?.state == .down)
    try await mesh.lab.unblock()
    try await mesh.waitForLink(paris, nice)
    #expect(try await mesh.lab.call(from: nice, to: "201").gaps(interface: "pbxlink0").isEmpty)
  }
}
