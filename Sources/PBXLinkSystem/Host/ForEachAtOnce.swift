// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: pbxlink contributors

/// Does something for each element, for some of them at once.
func forEach<Element: Sendable>(
  _ elements: [Element], atOnce limit: Int, _ body: @escaping @Sendable (Element) async -> Void
) async {
  await withTaskGroup(of: Void.self) { group in
    for (index, element) in elements.enumerated() {
      if index >= limit { await group.next() }
      group.addTask { await body(element) }
    }
  }
}
