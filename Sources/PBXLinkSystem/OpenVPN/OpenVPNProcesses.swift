// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: pbxlink contributors

internal import CLinux
internal import Glibc
internal import PBXLinkCore
internal import Subprocess
internal import SystemPackage

/// The openvpn processes of a site, one for each link. They are daemons, so that links go on when the agent
/// stops or dies, and are found again by their command line: it names a file in our directory whose name
/// carries the hash of what is in it.
struct OpenVPNProcesses: Sendable {
  let directory: String
  let command: [String]

  struct Found: Hashable {
    let identifier: Int32
    let file: String
  }

  /// Every process of ours, by interface.
  // pgrep -af 'openvpn --config DIRECTORY/'
  func find() throws(OpenVPNError) -> [String: [Found]] {
    var found: [String: [Found]] = [:]
    for name in try Self.names(in: "/proc") {
      var status = clinux_status()
      guard let identifier = Int32(name), clinux_stat("/proc/\(name)", &status) == 0,
        Self.owners.contains(status.owner), let line = Self.read("/proc/\(name)/cmdline")
      else { continue }
      let arguments = line.split(separator: 0, omittingEmptySubsequences: false)
      guard let option = arguments.firstIndex(of: ArraySlice("--config".utf8)), option + 1 < arguments.count
      else { continue }
      let file = String(decoding: arguments[option + 1], as: UTF8.self)
      guard file.hasPrefix(directory + "/"),
        let interface = Self.interface(ofFile: file.dropFirst(directory.utf8.count + 1))
      else { continue }
      found[interface, default: []].append(Found(identifier: identifier, file: file))
    }
    return found
  }

  /// What processes of one interface are and say.
  func observe(_ processes: [Found], of interface: String) async -> ObservedOpenVPN.Process? {
    guard let process = processes.first else { return nil }
    let management = await OpenVPNManagement.observe(socket(of: interface), of: process.identifier)
    return ObservedOpenVPN.Process(
      identifier: process.identifier,
      // Two for one interface are not as they should be.
      configuration: processes.count == 1 ? configuration(in: process.file) : nil, management: management)
  }

  /// Starts the process of a link, in place of any other for its interface.
  // openvpn --config FILE --management SOCKET unix [--user nobody --group nogroup]
  func start(_ link: OpenVPNLink, of configuration: OpenVPNConfiguration) async throws {
    let interface = link.interface
    try await stop(interface)
    try makeDirectory()
    let certificate = try OpenVPNCertificate(configuration.key).pem
    let text = OpenVPNProcessConfiguration(link, of: configuration).file(certificate: certificate)
    let file = "\(directory)/\(interface)-\(Self.hash(text.exposedBytes)).conf"
    try write(text, to: file)
    var arguments = ["--config", file, "--management", socket(of: interface), "unix"]
    if geteuid() == 0 { arguments += ["--user", Self.user, "--group", "nogroup"] }
    let result = try await run(arguments, interface)
    guard result.isSuccess else { throw OpenVPNError.start(interface: interface, reason: result.text) }
    try await OpenVPNManagement.release(socket(of: interface), interface: interface)
  }

  /// Ends every process of an interface and removes its files. At once: openvpn has nothing to save, and a peer
  /// that waits for TCP looks for signals once a second.
  // kill -9 PROCESS
  func stop(_ interface: String) async throws {
    for attempt in 0..<250 {
      guard let processes = try find()[interface] else {
        try removeFiles(of: interface)
        return
      }
      if attempt == 0 { for process in processes { kill(process.identifier, SIGKILL) } }
      try await Task.sleep(for: .milliseconds(20))
    }
    if let process = try find()[interface]?.first {
      throw OpenVPNError.stop(interface: interface, process: process.identifier)
    }
  }

  /// Throws unless openvpn is there and new enough.
  // openvpn --version
  func checkVersion() async throws {
    let text = try await run(["--version"], "the version").text
    let words = text.split(separator: " ")
    guard words.first == "OpenVPN", words.count > 1 else {
      throw OpenVPNError.missing(command: command.joined(separator: " "), reason: String(text.prefix(200)))
    }
    let numbers = words[1].split { $0 == "." || $0 == "_" || $0 == "-" }.prefix(2).compactMap { Int($0) }
    guard !numbers.lexicographicallyPrecedes([2, 6]) else { throw OpenVPNError.version(String(words[1])) }
  }

  /// Removes the directory when nothing is left in it.
  func removeDirectory() throws(OpenVPNError) {
    guard rmdir(directory) == 0 || errno == ENOENT || errno == ENOTEMPTY else {
      throw .system(call: "rmdir", path: directory, code: errno)
    }
  }

  func socket(of interface: String) -> String { "\(directory)/\(interface).sock" }

  private static let user = "nobody"
  /// Whom our processes belong to before and after they give up their rights; anybody else's are imitations.
  private static let owners: Set<uid_t> = [geteuid(), getpwnam(user)?.pointee.pw_uid ?? geteuid()]

  private func run(_ arguments: [String], _ purpose: String) async throws -> (isSuccess: Bool, text: String) {
    let command = command
    var options = PlatformOptions()
    options.createSession = true  // a signal to the agent's process group must not reach the links
    let settled = options
    do {
      return try await withTimeLimit(
        .seconds(10), late: OpenVPNError.start(interface: purpose, reason: "no end of it in 10 s")
      ) {
        let result = try await Subprocess.run(
          command[0].contains("/") ? .path(FilePath(command[0])) : .name(command[0]),
          arguments: Arguments(Array(command.dropFirst()) + arguments),
          environment: .inherit.updating(["LC_ALL": "C"]), workingDirectory: "/", platformOptions: settled,
          output: .string(limit: 64 << 10), error: .string(limit: 64 << 10))
        let text = (result.standardOutput + result.standardError).split(separator: "\n").joined(
          separator: " ")
        return (
          result.terminationStatus.isSuccess, text.isEmpty ? "\(result.terminationStatus)" : text
        )
      }
    } catch let error as SubprocessError where error.code == .executableNotFound {
      throw OpenVPNError.missing(command: command[0], reason: "no such program")
    }
  }
}
