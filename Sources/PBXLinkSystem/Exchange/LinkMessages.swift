// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: pbxlink contributors

internal import PBXLinkCore

/// What does the site measure to the others?
struct LinksRequest: Sendable, Codable {}

/// Its row of the matrix.
struct LinksAnswer: Sendable, Codable {
  let row: LinkRow
}
