// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: pbxlink contributors

internal import FoundationEssentials
internal import Glibc
public import PBXLinkCore

extension SiteFile {
  /// The site file, or the defaults when there is none yet.
  public static func readIfPresent(_ path: String) throws -> PBXLinkCore.Configuration {
    access(path, F_OK) == 0 ? try read(path) : PBXLinkCore.Configuration()
  }

  /// Writes a commented site file unless there is one; says whether it did.
  public static func create(_ path: String, from configuration: PBXLinkCore.Configuration) throws -> Bool {
    guard access(path, F_OK) != 0 else { return false }
    let directory = URL(filePath: path).deletingLastPathComponent().path
    do {
      try FileManager.default.createDirectory(atPath: directory, withIntermediateDirectories: true)
      try Data(commentedExample(configuration).utf8).write(
        to: URL(filePath: path), options: .withoutOverwriting)
    } catch {
      throw Failure("\(path) cannot be written (\(error)). Run this as root.", .cannotCreate)
    }
    return true
  }

  /// Removes the site file, and its directory when that is empty then.
  public static func remove(_ path: String) throws {
    guard unlink(path) == 0 || errno == ENOENT else {
      throw Failure("\(path) cannot be removed: \(String(cString: strerror(errno)))", .osFile)
    }
    rmdir(URL(filePath: path).deletingLastPathComponent().path)
  }
}
