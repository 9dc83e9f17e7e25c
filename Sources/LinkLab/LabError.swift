// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: pbxlink contributors

/// What went wrong in a lab, on which object, and what to do about it.
public enum LabError: Error, Hashable, Sendable, CustomStringConvertible {
  /// A lab file that cannot be used; `place` is "file:line:column".
  case file(place: String, problem: String)
  /// A command that ended with another status than 0.
  case command(CommandResult)
  /// A command that could not be started.
  case notStarted(command: String, reason: String)
  /// Something that did not come true in time.
  case timeout(waitingFor: String, after: Duration)
  /// A lab that is not there, or is in the way.
  case lab(name: String, problem: String)
  /// An office that the lab does not have, or that lacks something.
  case office(name: String, problem: String)
  /// A call that could not be placed or proved.
  case call(number: String, problem: String)

  /// One sentence or more for the admin.
  public var description: String {
    switch self {
    case .file(let place, let problem): "\(place): \(problem)"
    case .command(let result): result.failure
    case .notStarted(let command, let reason): "cannot start '\(command)': \(reason)"
    case .timeout(let what, let limit): "waited \(limit.inSeconds) s in vain for \(what)"
    case .lab(let name, let problem): "lab \(name): \(problem)"
    case .office(let name, let problem): "office \(name): \(problem)"
    case .call(let number, let problem): "call to \(number): \(problem)"
    }
  }
}
