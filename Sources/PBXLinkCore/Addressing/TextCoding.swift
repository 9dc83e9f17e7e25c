// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: pbxlink contributors

/// Decodes a value that documents carry as text; `kind` names it in the error ("an IP address").
func decodeText<Value: LosslessStringConvertible>(_ decoder: any Decoder, _ kind: String) throws -> Value {
  let container = try decoder.singleValueContainer()
  let text = try container.decode(String.self)
  guard let value = Value(text) else {
    throw DecodingError.dataCorruptedError(
      in: container, debugDescription: "'\(text.prefix(80))' is not \(kind)")
  }
  return value
}

func encodeText(_ text: String, _ encoder: any Encoder) throws {
  var container = encoder.singleValueContainer()
  try container.encode(text)
}
