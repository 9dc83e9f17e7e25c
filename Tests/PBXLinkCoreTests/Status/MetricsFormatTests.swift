// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: pbxlink contributors

import Testing

@testable import PBXLinkCore

@Suite("Formats of metrics")
struct MetricsFormatTests {
  @Test(
    "OpenMetrics is for who asks for its version 1.0.0 and likes nothing better; all others get Prometheus' format",
    arguments: [
      (nil, MetricsFormat.prometheus), ("", .prometheus), ("*/*", .prometheus),
      ("text/html,application/xhtml+xml;q=0.9,*/*;q=0.8", .prometheus),
      ("application/openmetrics-text; version=1.0.0; charset=utf-8", .openMetrics),
      ("application/openmetrics-text", .openMetrics),
      ("application/openmetrics-text;version=0.0.1", .prometheus),
      ("application/openmetrics-text;version=1.0.0;q=0.4, text/plain;version=0.0.4;q=0.6", .prometheus),
      ("application/openmetrics-text;q=0, */*;q=0", .prometheus),
      // As Prometheus 2.42 and 3.0 ask.
      (
        "application/openmetrics-text;version=1.0.0,application/openmetrics-text;version=0.0.1;q=0.75,"
          + "text/plain;version=0.0.4;q=0.5,*/*;q=0.1", .openMetrics
      ),
      (
        "application/openmetrics-text;version=1.0.0;escaping=allow-utf-8;q=0.6,"
          + "application/openmetrics-text;version=0.0.1;q=0.5,text/plain;version=1.0.0;escaping=allow-utf-8;q=0.4,"
          + "text/plain;version=0.0.4;q=0.3,*/*;q=0.2", .openMetrics
      ),
    ] as [(String?, MetricsFormat)])
  func negotiation(accept: String?, format: MetricsFormat) {
    #expect(MetricsFormat(accept: accept) == format)
  }

  private func value(_ value: Double) -> String {
    let text = text(.prometheus) {
      $0.begin("x", "X.")
      $0.add(value)
    }
    return String(text.dropFirst("# HELP x X.\n# TYPE x gauge\nx ".count).dropLast())
  }

  @Test("a whole number has no point, and what is no number has the name that Prometheus gives it")
  func numbers() {
    #expect(value(0) == "0" && value(-3) == "-3" && value(1_700_000_000) == "1700000000")
    #expect(value(0.25) == "0.25" && value(1_700_000_000.25) == "1700000000.25")
    #expect(value(0x1p53) == "9007199254740992.0" && value(1e300) == "1e+300")
    #expect(value(.nan) == "NaN" && value(.infinity) == "+Inf" && value(-.infinity) == "-Inf")
  }

  @Test("a value with quotes, backslashes or new lines stays one value, whatever it says")
  func escaping() {
    let text = text(.openMetrics) {
      $0.begin("x", "X.")
      $0.add(1, $0.label("peer", "a\"} 7\nx{peer=\"\\"), $0.label("b", "é</script>"))
    }
    #expect(
      text
        == #"# TYPE x gauge\#n# HELP x X.\#nx{peer="a\"} 7\nx{peer=\"\\",b="é</script>"} 1\#n# EOF\#n"#)
  }

  @Test("a counter has the same samples in both formats, and a histogram's buckets each hold the ones below")
  func kinds() {
    var roundTrips = RoundTripHistogram()
    for milliseconds in [5, 6, 2001] { roundTrips.add(.milliseconds(milliseconds)) }
    func write(_ writer: inout MetricsWriter) {
      writer.begin("x_bytes", "X.", .counter)
      writer.add(2)
      writer.begin("y_seconds", "Y.", .histogram)
      writer.add(roundTrips, writer.label("peer", "lyon"))
    }
    let (former, open) = (text(.prometheus, write), text(.openMetrics, write))
    func samples(_ text: String) -> [Substring] { text.split(separator: "\n").filter { !$0.hasPrefix("#") } }
    #expect(samples(former) == samples(open))
    #expect(samples(open).first == "x_bytes_total 2")
    #expect(former.contains("# TYPE x_bytes_total counter\n") && open.contains("# TYPE x_bytes counter\n"))
    #expect(open.contains("# UNIT x_bytes bytes\n") && open.hasSuffix("# EOF\n"))
    #expect(samples(open).contains("y_seconds_bucket{peer=\"lyon\",le=\"0.005\"} 1"))
    #expect(samples(open).contains("y_seconds_bucket{peer=\"lyon\",le=\"0.01\"} 2"))
    #expect(samples(open).contains("y_seconds_bucket{peer=\"lyon\",le=\"2.0\"} 2"))
    #expect(
      samples(open).suffix(3) == [
        "y_seconds_bucket{peer=\"lyon\",le=\"+Inf\"} 3", "y_seconds_count{peer=\"lyon\"} 3",
        "y_seconds_sum{peer=\"lyon\"} 2.012",
      ])
  }
}

/// What is written in a format.
func text(_ format: MetricsFormat, _ write: (inout MetricsWriter) -> Void) -> String {
  var writer = MetricsWriter(format)
  write(&writer)
  return String(decoding: writer.text, as: UTF8.self)
}
