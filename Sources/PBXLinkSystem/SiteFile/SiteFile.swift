// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: pbxlink contributors

internal import FoundationEssentials
public import PBXLinkCore
internal import Yams

/// The site file, `/etc/pbxlink/pbxlink.yaml`, read strictly: every key is known and every value has its
/// kind, or the error says where not.
public enum SiteFile {
  /// Reads a site file.
  public static func read(_ path: String) throws(SiteFileError) -> Configuration {
    let data: Data
    do {
      data = try Data(contentsOf: URL(filePath: path))
    } catch let error as CocoaError where error.code == .fileReadNoSuchFile {
      throw whole(path, "no such file; 'pbxlink init' and 'pbxlink join' create it")
    } catch let error as CocoaError where error.code == .fileReadNoPermission {
      throw whole(path, "not permitted; run as root")
    } catch {
      throw whole(path, "cannot be read: \(error)")
    }
    guard let text = String(validating: data, as: UTF8.self) else {
      throw whole(path, "is not UTF-8 text; save it as UTF-8")
    }
    return try parse(text, file: path)
  }

  /// Reads the text of a site file; `file` names it in errors.
  public static func parse(_ text: String, file: String) throws(SiteFileError) -> Configuration {
    try SiteFileReader(file: file).configuration(text)
  }

  static func whole(_ file: String, _ problem: String) -> SiteFileError {
    SiteFileError(file: file, line: nil, column: nil, key: nil, problem: problem)
  }
}
