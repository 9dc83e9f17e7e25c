// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: pbxlink contributors

internal import PBXLinkCore

extension Engine {
  /// Tells the hooks what the site file and the mesh are now.
  func setHooks() async {
    let (events, mesh) = (configuration.events, agent?.mesh)
    func order(_ target: (any HookTarget)?, _ kinds: [JournalEntry.Kind]) -> EventHook.Order? {
      target.map {
        EventHook.Order(
          target: $0, kinds: kinds, mesh: mesh?.identity.name.description, observer: mesh?.site.description)
      }
    }
    await webhook.set(order(events.webhook.map { Webhook(url: $0) }, events.webhookKinds))
    await hookCommand.set(order(events.command.map { HookCommand(path: $0) }, events.commandKinds))
  }

  /// What keeps hooks from being told, one sentence each.
  func hookProblems() async -> [String] {
    [await webhook.problem, await hookCommand.problem].compactMap(\.self)
  }

  /// Something was journaled.
  func wakeHooks() {
    webhook.look()
    hookCommand.look()
  }
}
