// swift-tools-version: 6.2
// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: pbxlink contributors

import PackageDescription

let strict: [SwiftSetting] = [
  .enableUpcomingFeature("ExistentialAny"),  // SE-0335
  .enableUpcomingFeature("InternalImportsByDefault"),  // SE-0409
  .enableUpcomingFeature("MemberImportVisibility"),  // SE-0444
  .enableUpcomingFeature("NonisolatedNonsendingByDefault"),  // SE-0461
  .treatAllWarnings(as: .error),
]

let package = Package(
  name: "pbxlink",
  products: [
    .executable(name: "pbxlink", targets: ["pbxlink"]),
    .executable(name: "pbxlink-lab", targets: ["pbxlink-lab"]),
    .library(name: "PBXLinkCore", targets: ["PBXLinkCore"]),
    // Loaded into agents of a lab.
    .library(name: "CShiftedClock", type: .dynamic, targets: ["CShiftedClock"]),
  ],
  dependencies: [
    .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.0"),
    .package(url: "https://github.com/apple/swift-log", from: "1.16.0"),
    .package(url: "https://github.com/apple/swift-nio", from: "2.101.0"),
    .package(url: "https://github.com/apple/swift-numerics", from: "1.1.0"),
    .package(url: "https://github.com/apple/swift-system", from: "1.8.0"),
    .package(url: "https://github.com/groue/GRDB.swift", from: "7.10.0"),
    .package(url: "https://github.com/hummingbird-project/hummingbird", from: "2.28.0"),
    .package(url: "https://github.com/jpsim/Yams", from: "6.2.0"),
    .package(url: "https://github.com/swift-server/async-http-client", from: "1.37.0"),
    .package(url: "https://github.com/swift-server/swift-service-lifecycle", from: "2.13.0"),
    .package(url: "https://github.com/swiftlang/swift-subprocess", from: "1.0.0"),
  ],
  targets: [
    .systemLibrary(
      name: "CNetlink", pkgConfig: "libnl-route-3.0 libnl-genl-3.0",
      providers: [.apt(["libnl-3-dev", "libnl-route-3-dev", "libnl-genl-3-dev"])]),
    .systemLibrary(name: "COpenSSL", pkgConfig: "libcrypto", providers: [.apt(["libssl-dev"])]),
    .target(name: "CLinux"),
    .target(name: "CShiftedClock"),
    .target(
      name: "SubprocessInput",
      dependencies: [
        "CLinux", .product(name: "Subprocess", package: "swift-subprocess"),
        .product(name: "SystemPackage", package: "swift-system"),
      ],
      swiftSettings: strict),
    .target(
      name: "PBXLinkCore", dependencies: [.product(name: "RealModule", package: "swift-numerics")],
      swiftSettings: strict + [.strictMemorySafety()]),
    .target(
      name: "PBXLinkSystem",
      dependencies: [
        "CLinux", "CNetlink", "COpenSSL", "PBXLinkCore", "SubprocessInput",
        .product(name: "AsyncHTTPClient", package: "async-http-client"),
        .product(name: "GRDB", package: "GRDB.swift"),
        .product(name: "Hummingbird", package: "hummingbird"),
        .product(name: "Logging", package: "swift-log"),
        .product(name: "NIOCore", package: "swift-nio"),
        .product(name: "NIOHTTP1", package: "swift-nio"),
        .product(name: "NIOPosix", package: "swift-nio"),
        .product(name: "ServiceLifecycle", package: "swift-service-lifecycle"),
        .product(name: "Subprocess", package: "swift-subprocess"),
        .product(name: "SystemPackage", package: "swift-system"),
        .product(name: "UnixSignals", package: "swift-service-lifecycle"),
        .product(name: "Yams", package: "Yams"),
      ],
      swiftSettings: strict),
    .executableTarget(
      name: "pbxlink",
      dependencies: [
        "PBXLinkCore", "PBXLinkSystem", .product(name: "ArgumentParser", package: "swift-argument-parser"),
        .product(name: "Logging", package: "swift-log"),
        .product(name: "UnixSignals", package: "swift-service-lifecycle"),
      ],
      swiftSettings: strict),
    .target(
      name: "LinkLab",
      dependencies: [
        "PBXLinkCore", "SubprocessInput", .product(name: "Subprocess", package: "swift-subprocess"),
        .product(name: "SystemPackage", package: "swift-system"), .product(name: "Yams", package: "Yams"),
      ],
      swiftSettings: strict),
    .executableTarget(
      name: "pbxlink-lab",
      dependencies: [
        "CLinux", "LinkLab", "PBXLinkCore",
        .product(name: "ArgumentParser", package: "swift-argument-parser"),
      ],
      swiftSettings: strict),
    .executableTarget(
      name: "pbxlink-bench",
      dependencies: [
        "CLinux", "LinkLab", "PBXLinkCore", "PBXLinkSystem", "SubprocessInput",
        .product(name: "Subprocess", package: "swift-subprocess"),
      ],
      swiftSettings: strict),
    .testTarget(
      name: "PBXLinkCoreTests", dependencies: ["PBXLinkCore"], exclude: ["Golden"], swiftSettings: strict),
    .testTarget(
      name: "PBXLinkSystemTests",
      dependencies: [
        "CLinux", "PBXLinkCore", "PBXLinkSystem", .product(name: "GRDB", package: "GRDB.swift"),
        .product(name: "Subprocess", package: "swift-subprocess"), .product(name: "Yams", package: "Yams"),
      ],
      exclude: [
        "Golden", "Probes/stamp_peer.py", "Probes/twamp_control.py", "BFD/frr_command.py",
        "Hooks/hook_server.py",
        "Web/check_dashboard.py", "Web/check_zabbix.py", "Web/read_metrics.py", "Web/validate.py",
      ],
      swiftSettings: strict),
    .testTarget(
      name: "LabTests", dependencies: ["LinkLab", "PBXLinkCore"],
      exclude: ["Browser", "scrape_crowd.py", "verify_jws.py"],
      swiftSettings: strict),
  ],
  swiftLanguageModes: [.v6]
)
