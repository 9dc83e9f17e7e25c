// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: pbxlink contributors

extension TrunkWarning {
  /// The warning with its remedy apart.
  var finding: Finding {
    switch self {
    case .notRunning:
      Finding(
        .asterisk, "asterisk-running", .error, "Asterisk does not run",
        remedy: "Run 'systemctl start asterisk'; the trunks are in its files and take effect then.")
    case .noIAX2:
      Finding(
        .asterisk, "iax2-module", .error, "Asterisk runs without chan_iax2",
        remedy: "Run 'asterisk -rx \"module load chan_iax2.so\"', and look for 'noload' in modules.conf.")
    case .notListening(let port):
      Finding(
        .asterisk, "iax2-socket", .error,
        "chan_iax2 runs and has no socket on UDP port \(port): the address of bindaddr in iax.conf "
          + "was not up when it was loaded, or bindport differs",
        remedy:
          "Put bindaddr and bindport right, or set trunk.port; when no call is up, 'module unload "
          + "chan_iax2.so' and 'module load chan_iax2.so': a reload does not change them.")
    case .version(let version, let advisory):
      Finding(
        .asterisk, "asterisk-version", .warning, "Asterisk \(version) \(advisory)",
        remedy: "Upgrade Asterisk.")
    case .broken(let finding):
      Finding(
        .asterisk, "asterisk-syntax", .error, "\(finding); Asterisk ignores the rest of this file",
        remedy: "Correct the line: what stands behind it is lost on the next reload.")
    case .contextUnknown(let name):
      Finding(
        .asterisk, "dialplan-context", .warning,
        "the context '\(name)' of the site file is not in extensions.conf or a file that it includes",
        remedy:
          "Correct asterisk.local_context or asterisk.phone_contexts; 'asterisk -rx \"dialplan show\"' "
          + "lists the names."
      )
    case .noLocalContext:
      Finding(
        .asterisk, "local-context", .warning,
        "asterisk.local_context is not set: calls from other sites are refused",
        remedy: "Name the context that holds your extensions and nothing else (on FreePBX from-did-direct).")
    case .noCommonCodec(let site):
      Finding(
        .asterisk, "codec", .warning, "no codec in common with site \(site): calls with it fail",
        remedy: "Add one that both sites have to trunk.codecs.")
    case .withheld(let pattern):
      Finding(
        .asterisk, "extension-withheld", .warning, pattern.description,
        remedy: "Have the extensions of one of the two sites changed.")
    }
  }
}
