// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: pbxlink contributors

internal import FoundationEssentials
internal import Hummingbird
internal import NIOCore
internal import PBXLinkCore

/// The status page, or the part of it that changes, with what a browser may do with it: nothing but apply its own style
/// and script, and ask the same agent again.
struct PageReply {
  let html: HTML
  let status: HTTPResponse.Status

  init(_ html: HTML, status: HTTPResponse.Status = .ok) { (self.html, self.status) = (html, status) }

  var response: Response {
    get throws {
      var headers: HTTPFields = [
        .contentType: "text/html; charset=utf-8", .cacheControl: "no-store",
        .contentSecurityPolicy: try Self.policy.get(), .xContentTypeOptions: "nosniff",
      ]
      for (name, value) in Self.others {
        if let name = HTTPFields.Element.Name(name) { headers[name] = value }
      }
      return Response(
        status: status, headers: headers, body: .init(byteBuffer: ByteBuffer(string: html.markup)))
    }
  }

  private static let others = [
    ("Referrer-Policy", "no-referrer"), ("Cross-Origin-Opener-Policy", "same-origin"),
  ]

  /// CSP Level 3: the style and the script are named by their hashes, so none that a text smuggles in is taken.
  private static let policy = Result { () -> String in
    func hash(_ html: HTML) throws -> String {
      "'sha256-\(Data(OpenSSLCryptography().sha256(Array(html.markup.utf8))).base64EncodedString())'"
    }
    return
      "default-src 'none'; style-src \(try hash(PageAssets.style)); script-src \(try hash(PageAssets.script)); "
      + "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
  }
}
