// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: pbxlink contributors

/// Writes metrics as they are sent, family by family, in the data model that Prometheus and OpenMetrics share. A scrape of a
/// large mesh has tens of thousands of samples: none of them is kept but as text.
public struct MetricsWriter: Sendable {
  /// What the samples of a family are.
  public enum Kind: String, Sendable {
    case gauge, counter, histogram
  }

  /// Labels of one writer, which renders them once for all samples that have them. No more than a place among its texts: what
  /// holds text of its own is counted for each sample, which takes longer than writing it.
  public struct Labels: Sendable {
    /// Of `peer="lyon"`; a closing brace and a space follow.
    fileprivate let text: Range<Int>
  }

  private let format: MetricsFormat
  private var bytes: [UInt8] = []
  /// What is written again and again.
  private var texts: [UInt8] = []
  /// What the samples of a gauge or a counter begin with, those of a histogram's buckets, its count and its sum.
  private var sample, bucket, count, sum: Range<Int>
  private var bounds: [Labels] = []

  /// Nothing is written yet.
  public init(_ format: MetricsFormat) {
    self.format = format
    (sample, bucket, count, sum) = (0..<0, 0..<0, 0..<0, 0..<0)
    bounds = Self.bounds.map { label("le", $0) }
  }

  /// Renders a label, whatever its value is.
  mutating func label(_ name: String, _ value: String) -> Labels {
    keep { texts in
      texts.append(contentsOf: "\(name)=\"".utf8)
      for byte in value.utf8 {
        switch byte {
        case UInt8(ascii: "\\"), UInt8(ascii: "\""): texts += [UInt8(ascii: "\\"), byte]
        case UInt8(ascii: "\n"): texts.append(contentsOf: "\\n".utf8)
        default: texts.append(byte)
        }
      }
      texts.append(UInt8(ascii: "\""))
    }
  }

  /// Renders some labels and others after them.
  mutating func labels(_ some: Labels, _ others: Labels) -> Labels {
    keep { texts in
      // A slice of the array that it is added to would make it copy itself.
      for index in some.text { texts.append(texts[index]) }
      texts.append(UInt8(ascii: ","))
      for index in others.text { texts.append(texts[index]) }
    }
  }

  private mutating func keep(_ render: (inout [UInt8]) -> Void) -> Labels {
    let start = texts.count
    render(&texts)
    defer { texts.append(contentsOf: "} ".utf8) }
    return Labels(text: start..<texts.count)
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
    sample = keep(name: full)
    guard kind == .histogram else { return }
    (bucket, count, sum) = (
      keep(name: full + "_bucket"), keep(name: full + "_count"), keep(name: full + "_sum")
    )
  }

  private mutating func keep(name: String) -> Range<Int> {
    let start = texts.count
    texts.append(contentsOf: name.utf8)
    return start..<texts.count
  }

  /// Adds the one sample of a gauge or a counter; what is not known is NaN, since a series is not to come and go.
  mutating func add(_ value: Double?) {
    bytes.append(contentsOf: texts[sample])
    bytes.append(UInt8(ascii: " "))
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

  private static let bounds = RoundTripHistogram.bounds.map { ($0 / .seconds(1)).description } + ["+Inf"]

  /// Adds the samples of a histogram of seconds: buckets that each hold the ones below, and the sum.
  mutating func add(_ histogram: RoundTripHistogram, _ labels: Labels) {
    var total = 0
    for (index, own) in histogram.counts.enumerated() {
      total += own
      begin(bucket, labels, bounds[index])
      end(Double(total))
    }
    begin(count, labels)
    end(Double(total))
    begin(sum, labels)
    end(histogram.sum / .seconds(1))
  }

  private mutating func write(_ text: String) { bytes.append(contentsOf: text.utf8) }

  private mutating func begin(_ name: Range<Int>, _ labels: Labels) {
    bytes.append(contentsOf: texts[name])
    bytes.append(UInt8(ascii: "{"))
    close(labels)
  }

  private mutating func begin(_ name: Range<Int>, _ labels: Labels, _ others: Labels) {
    bytes.append(contentsOf: texts[name])
    bytes.append(UInt8(ascii: "{"))
    bytes.append(contentsOf: texts[labels.text])
    bytes.append(UInt8(ascii: ","))
    close(others)
  }

  /// Writes the last labels and what closes them.
  private mutating func close(_ labels: Labels) {
    bytes.append(contentsOf: texts[labels.text.lowerBound..<labels.text.upperBound + 2])
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
