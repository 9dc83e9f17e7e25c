// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: pbxlink contributors

internal import Logging
internal import PBXLinkCore

/// Tells one target of events, one after the other. The journal itself is the queue: what was not delivered when the agent
/// ends is delivered by the next one.
actor EventHook {
  /// To whom, which kinds, and in whose name.
  struct Order: Sendable {
    let target: any HookTarget
    let kinds: [JournalEntry.Kind]
    var mesh: String?
    var observer: String?
  }

  /// Events that may wait; of more the oldest are not delivered.
  static let limit = 100

  /// Why the first that waits was not taken; nil when none waits.
  private(set) var problem: String?

  private let store: Store
  private let key: StoreChange.MetaKey
  private let logger: Logger
  private let clock: @Sendable () -> Timestamp
  private var order: Order?
  /// The last event that is done with; nil: none before now is to be delivered.
  private var position: Int64?
  private let (wakes, wake) = AsyncStream.makeStream(of: Void.self, bufferingPolicy: .bufferingNewest(1))
  private var isOrderNew = false

  init(
    _ store: Store, _ key: StoreChange.MetaKey, logger: Logger, clock: @escaping @Sendable () -> Timestamp
  ) throws {
    (self.store, self.key, self.logger, self.clock) = (store, key, logger, clock)
    position = try store.load().meta(key)
  }

  /// Says what is to be done from now on; nil for nothing.
  func set(_ order: Order?) {
    (self.order, isOrderNew) = (order, true)
    wake.yield()
  }

  /// There may be new events.
  nonisolated func look() { wake.yield() }

  /// Delivers until cancelled.
  func run() async throws {
    wake.yield()
    for await _ in wakes {
      do {
        try await deliver()
      } catch let error as StoreError {
        logger.error("hook: \(error)")
      }
    }
  }

  private func deliver() async throws {
    var attempts = (event: Int64(0), count: 0)
    while let order {
      isOrderNew = false
      guard let event = try next(order.kinds) else { break }
      if attempts.event != event.id { attempts = (event.id, 0) }
      attempts.count += 1
      do {
        try await order.target.deliver(EventMessage(event, mesh: order.mesh, observer: order.observer))
        problem = nil
        try advance(to: event.id)
      } catch let error as HookError {
        let text = "\(order.target.name) does not take event \(event.id) (\(event.kind)): \(error)"
        guard !error.isFinal, let delay = HookRetry.delay(afterAttempt: attempts.count) else {
          logger.error("\(text); it is given up")
          try advance(to: event.id)
          continue
        }
        if problem == nil { logger.warning("\(text); it is tried again") }
        problem = text
        try await wait(delay)
      }
    }
    if order == nil, position != nil { try advance(to: nil) }
    problem = nil
  }

  /// The oldest event that waits; nil when none does.
  private func next(_ kinds: [JournalEntry.Kind]) throws(StoreError) -> RecordedEvent? {
    var query = EventQuery()
    guard let position else {
      // It begins with what comes from now on.
      query.limit = 1
      try advance(to: try store.events(query).last?.id ?? 0)
      return nil
    }
    (query.after, query.kinds, query.limit) = (position, kinds, Self.limit + 1)
    let waiting = try store.events(query)
    guard waiting.count > Self.limit else { return waiting.first }
    logger.error(
      "\(Self.limit) events wait for a hook: older ones than event \(waiting[1].id) are not delivered")
    try advance(to: waiting[0].id)
    return waiting[1]
  }

  private func advance(to id: Int64?) throws(StoreError) {
    position = id
    let change: StoreChange
    do { change = try .setMeta(key, id) } catch { throw StoreError(error, path: store.path) }
    try store.commit([change], at: clock())
  }

  /// Waits, or until there is another order.
  private func wait(_ delay: Duration) async throws {
    let end = ContinuousClock.now + delay
    while ContinuousClock.now < end, !isOrderNew {
      try await Task.sleep(for: min(.seconds(1), end - ContinuousClock.now))
    }
  }
}
