// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: pbxlink contributors

internal import Hummingbird

/// A value as the JSON body of an answer.
struct JSONReply<Value: Encodable>: ResponseGenerator {
  let value: Value

  init(_ value: Value) { self.value = value }

  func response(from request: Request, context: some RequestContext) throws -> Response {
    try context.responseEncoder.encode(value, from: request, context: context)
  }
}
