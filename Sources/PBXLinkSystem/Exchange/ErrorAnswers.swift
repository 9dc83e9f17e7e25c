// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: pbxlink contributors

internal import Hummingbird

/// Turns our errors into JSON answers; what a request did wrong is said, not hidden behind "500".
struct ErrorAnswers<Context: RequestContext>: RouterMiddleware {
  @concurrent func handle(
    _ request: Request, context: Context, next: @concurrent (Request, Context) async throws -> Response
  ) async throws -> Response {
    do {
      return try await next(request, context)
    } catch let error as any HTTPResponseError {
      return try answer(error.status, String(describing: error), ExitCode.usage, request, context)
    } catch {
      let failure = Failure(error)
      return try answer(failure.status, failure.message, failure.exitCode, request, context)
    }
  }

  private func answer(
    _ status: HTTPResponse.Status, _ message: String, _ code: ExitCode, _ request: Request, _ context: Context
  ) throws -> Response {
    var response = try context.responseEncoder.encode(
      ErrorAnswer(error: message, exitCode: code.rawValue), from: request, context: context)
    response.status = status
    return response
  }
}
