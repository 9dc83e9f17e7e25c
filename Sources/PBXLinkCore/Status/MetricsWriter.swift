// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: pbxlink contributors

/// Writes metrics as they are sent, family by family, in the data model that Prometheus and OpenMetrics share. A scrape of a
/// large mesh has tens of thousands of samples: none of them is kept but as text.
public struct MetricsWriter: Sendable {
  /// What the samples of a family are.
  public enum Kind: String, Sendable {
    case gauge, counter, histogram
  }

  /// Labels as they are sent. They are rendered once for all samples that have them.
  public struct Labels: Sendable {
    /// Before others, `peer="lyon",`, and as the last ones, `peer="lyon"} `.
    fileprivate let open, closed: [UInt8]

    /// A label, whatever its value is.
    init(_ name: String, _ value: String) {
      let bytes = Self.bytes(name, value)
      self.init(open: bytes + [UInt8(ascii: ",")], closed: bytes + Array("} ".utf8))
    }

    /// These and others.
    func adding(_ other: Self) -> Self { Self(open: open + other.open, closed: open + other.closed) }

    private init(open: [UInt8], closed: [UInt8]) { (self.open, self.closed) = (open, closed) }

    private static func bytes(_ name: String, _ value: String) -> [UInt8] {
      var bytes = Array("\(name)=\"".utf8)
      for byte in value.utf8 {
        switch byte {
        case UInt8(ascii: "\\"), UInt8(ascii: "\""): bytes += [UInt8(ascii: "\\"), byte]
        case UInt8(ascii: "\n"): bytes.append(contentsOf: "\\n".utf8)
        default: bytes.append(byte)
        }
      }
      bytes.append(UInt8(ascii: "\""))
      return bytes
    }
  }

  private let format: MetricsFormat
  private var bytes: [UInt8] = []
  /// What the samples of a gauge or a counter begin with, those of a histogram's buckets, its count and its sum.
  private var sample, bucket, count, sum: Beginning

  /// The name of a sample with labels, and of one without.
  private struct Beginning {
    let labelled, plain: [UInt8]

    init(_ name: String) { (labelled, plain) = (Array("\(name){".utf8), Array("\(name) ".utf8)) }
  }

  /// Nothing is written yet.
  public init(_ format: MetricsFormat) {
    self.format = format
    let none = Beginning("")
    (sample, bucket, count, sum) = (none, none, none, none)
  }

  /// Makes room, for what is known to be long.
  mutating func reserve(_ length: Int) { bytes.reserveCapacity(length) }

  /// What was written.
  public var text: [UInt8] { format == .openMetrics ? bytes + "# EOF\n".utf8 : bytes }

  /// Begins a family.
  /// - Parameter name: without `_total` for a counter; a unit is its last word.
  mutating func begin(_ name: String, _ help: String, _ kind: Kind = .gauge) {
    // The former format names the counter as its samples are named.
    let full = kind == .counter ? name + "_total" : name
    switch format {
    case .prometheus: write("# HELP \(full) \(help)\n# TYPE \(full) \(kind.rawValue)\n")
    case .openMetrics:
      let unit = ["seconds", "bytes"].first { name.hasSuffix("_" + $0) }
      write("# TYPE \(name) \(kind.rawValue)\n")
      if let unit { write("# UNIT \(name) \(unit)\n") }
      write("# HELP \(name) \(help)\n")
    }
    sample = Beginning(full)
    guard kind == .histogram else { return }
    (bucket, count, sum) = (
      Beginning(full + "_bucket"), Beginning(full + "_count"), Beginning(full + "_sum")
    )
  }

  // Optional labels would be copied for each sample, which takes longer than writing them.

  /// Adds the one sample of a gauge or a counter; what is not known is NaN, since a series is not to come and go.
  mutating func add(_ value: Double?) {
    bytes.append(contentsOf: sample.plain)
    end(value ?? .nan)
  }

  /// Adds a sample of a gauge or a counter.
  mutating func add(_ value: Double?, _ labels: Labels) {
    begin(sample, labels)
    end(value ?? .nan)
  }

  /// Adds a sample of a gauge or a counter.
  mutating func add(_ value: Double?, _ labels: Labels, _ others: Labels) {
    begin(sample, labels, others)
    end(value ?? .nan)
  }

  private static let bounds = (RoundTripHistogram.bounds.map { ($0 / .seconds(1)).description } + ["+Inf"])
    .map {
      Labels("le", $0)
    }

  /// Adds the samples of a histogram of seconds: buckets that each hold the ones below, and the sum.
  mutating func add(_ histogram: RoundTripHistogram, _ labels: Labels) {
    var total = 0
    for (bound, own) in zip(Self.bounds, histogram.counts) {
      total += own
      begin(bucket, labels, bound)
      end(Double(total))
    }
    begin(count, labels)
    end(Double(total))
    begin(sum, labels)
    end(histogram.sum / .seconds(1))
  }

  private mutating func write(_ text: String) { bytes.append(contentsOf: text.utf8) }

  private mutating func begin(_ name: Beginning, _ labels: Labels) {
    bytes.append(contentsOf: name.labelled)
    bytes.append(contentsOf: labels.closed)
  }

  private mutating func begin(_ name: Beginning, _ labels: Labels, _ others: Labels) {
    bytes.append(contentsOf: name.labelled)
    bytes.append(contentsOf: labels.open)
    bytes.append(contentsOf: others.closed)
  }

  /// Most values are these.
  private static let digits = (0...9).map { Array("\($0)\n".utf8) }

  private mutating func end(_ value: Double) {
    if value >= 0, value < 10, value == value.rounded() {
      bytes.append(contentsOf: Self.digits[Int(value)])
    } else if value.isNaN {
      write("NaN\n")
    } else if value.isInfinite {
      write(value > 0 ? "+Inf\n" : "-Inf\n")
    } else if value.magnitude < 0x1p53, value == value.rounded() {
      write(String(Int64(value)))
      write("\n")
    } else {
      // Beyond 2^53 not every whole number is one.
      write(value.description)
      write("\n")
    }
  }
}
