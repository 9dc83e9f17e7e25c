// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: pbxlink contributors

internal import Hummingbird
internal import ServiceLifecycle

extension ApplicationProtocol {
  /// Serves until cancelled; what is being answered then is answered yet, for two seconds at most.
  ///
  /// Cancellation must not reach the server itself while it accepts connections: one that is just being made then ends the
  /// whole process (Hummingbird 2 drops its writer without finishing it, which NIOAsyncWriter takes for a fault).
  func serve() async throws {
    try Task.checkCancellation()
    var configuration = ServiceGroupConfiguration(services: [self], logger: logger)
    configuration.maximumGracefulShutdownDuration = .seconds(2)
    let group = ServiceGroup(configuration: configuration)
    // No child task, whom cancellation would reach.
    let serving = Task { try await group.run() }
    try await withTaskCancellationHandler {
      try await serving.value
    } onCancel: {
      Task { await group.triggerGracefulShutdown() }
    }
    try Task.checkCancellation()
  }
}
