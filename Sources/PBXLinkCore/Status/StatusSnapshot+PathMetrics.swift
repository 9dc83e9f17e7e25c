// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: pbxlink contributors

extension StatusSnapshot {
  func writePaths(_ peers: [LabelledPeer], to writer: inout MetricsWriter) {
    func family(_ name: String, _ help: String, _ value: (PathStatus) -> Double?) {
      writer.begin(name, help)
      for peer in peers {
        for path in peer.paths { writer.add(value(path.status), path.labels) }
      }
    }
    family("pbxlink_path_up", "Whether packets go both ways by the path (1) or not (0).") {
      $0.state.isUp ? 1 : 0
    }
    family("pbxlink_path_in_use", "Whether calls take the path (1) or not (0).") { $0.inUse ? 1 : 0 }
    family("pbxlink_path_mtu_bytes", "The largest IP packet that gets through.") { $0.mtu.map(Double.init) }
    family(
      "pbxlink_probe_transmit_jitter_seconds",
      "Mean difference in the delays of two probes to the peer that follow each other, of the last minute."
    ) { $0.quality?.transmit.jitter }
    family(
      "pbxlink_probe_receive_jitter_seconds",
      "Mean difference in the delays of two answers from the peer that follow each other, of the last minute."
    ) { $0.quality?.receive.jitter }
  }

  /// `listener` tells who hears it: here, or at the peer.
  func writeVoice(_ peers: [LabelledPeer], to writer: inout MetricsWriter) {
    let (here, there) = (writer.label("listener", "local"), writer.label("listener", "remote"))
    func family(_ name: String, _ what: String, _ value: (LinkQuality.Direction) -> Double?) {
      writer.begin(
        name,
        "Estimated \(what) (ITU-T G.107) of a call by the path in use, of the last minute, by who listens.")
      for peer in peers {
        let quality = peer.status.paths.first { $0.inUse && $0.state.isUp }?.quality
        writer.add(quality.flatMap { value($0.receive) }, peer.labels, here)
        writer.add(quality.flatMap { value($0.transmit) }, peer.labels, there)
      }
    }
    family("pbxlink_voice_mos", "MOS", \.mos)
    family("pbxlink_voice_r_factor", "R factor", \.rFactor)
  }

  func writeProbes(_ peers: [LabelledPeer], to writer: inout MetricsWriter) {
    let counters: [(String, String, (ProbeCounters) -> Int)] = [
      ("sent", "Probes sent to the peer.", \.sent),
      ("received", "Probes that were answered in time.", \.received),
      ("transmit_lost", "Probes lost on the way to the peer, known by the next answer.", \.transmitLost),
      ("receive_lost", "Answers lost on the way from the peer, known by the next one.", \.receiveLost),
      ("duplicates", "Answers that came twice.", \.duplicates),
      ("reordered", "Answers that a later one has overtaken.", \.reordered),
    ]
    for (name, help, value) in counters {
      writer.begin("pbxlink_probe_\(name)", help, .counter)
      for peer in peers {
        for path in peer.probes { writer.add(Double(value(path.counters)), path.labels) }
      }
    }
    writer.begin(
      "pbxlink_probe_rtt_seconds",
      "Round trips of probes inside the tunnel, without the time that the other end took.", .histogram)
    for peer in peers {
      for path in peer.probes { writer.add(path.counters.roundTrips, path.labels) }
    }
  }
}
