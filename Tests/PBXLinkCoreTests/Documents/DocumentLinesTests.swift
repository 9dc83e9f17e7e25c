// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: pbxlink contributors

import PBXLinkCore
import Testing

@Suite("Documents in files")
struct DocumentLinesTests {
  let documents: [String]

  init() throws {
    let mesh = try SampleMesh()
    let membership = try mesh.membership("lyon", number: 2)
    documents = [try mesh.sign(mesh.descriptor(of: membership), by: "lyon"), try mesh.sign(membership)]
  }

  @Test(
    "blank lines, comments, line ends of any system, white space and marks of quoted mail are passed over")
  func tolerant() {
    let plain = "# heading\n\n" + documents.joined(separator: "\n")
    let quoted = "> # heading\r\n>\r\n>> \(documents[0])  \r\n>  \(documents[1])\t\r\n"
    for text in [plain, plain + "\n", quoted] { #expect(DocumentLines.documents(in: text) == documents) }
    #expect(DocumentLines.documents(in: " \n# x\n") == [])
  }

  @Test("documents that were broken into lines are put together", arguments: 0..<50)
  func broken(seed: UInt64) {
    var random = SplitMix64(seed: seed)
    var text = ""
    for document in documents {
      for (column, character) in document.enumerated() {
        text.append(character)
        if column > 2, Int.random(in: 0..<60, using: &random) == 0 { text += "\n> " }
      }
      text += "\n"
    }
    let isSame = DocumentLines.documents(in: text) == documents
    #expect(isSame, "\(text.prefix(300))")
  }

  @Test("what is no document stays a line of its own, to be refused")
  func strange() {
    let cut = String(documents[0].dropLast(10))
    #expect(DocumentLines.documents(in: "hello world\n\(cut)\n") == ["hello world", cut])
    #expect(DocumentLines.documents(in: "\(cut)\nwith kind regards\n") == [cut, "with kind regards"])
  }
}
