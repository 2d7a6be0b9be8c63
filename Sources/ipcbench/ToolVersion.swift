import Foundation
import LinuxIPC
import Results

extension Environment.Tool {
  /// This build: its version, and the commit of the checkout that the executable lies in.
  static var current: Environment.Tool {
    Environment.Tool(version: Version.text, gitCommit: commit)
  }

  private static var commit: String? {
    guard let executable = try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe") else {
      return nil
    }
    var folder = URL(fileURLWithPath: executable).deletingLastPathComponent()
    while folder.path != "/" {
      if let commit = head(of: folder.appendingPathComponent(".git").path) { return commit }
      folder.deleteLastPathComponent()
    }
    return nil
  }

  /// What HEAD points at (gitrepository-layout(5)).
  private static func head(of repository: String) -> String? {
    guard let head = TextFile.read("\(repository)/HEAD") else { return nil }
    guard head.hasPrefix("ref: ") else { return head }
    let reference = String(head.dropFirst(5))
    if let commit = TextFile.read("\(repository)/\(reference)") { return commit }
    let packed = TextFile.read("\(repository)/packed-refs") ?? ""
    return packed.split(separator: "\n").first { $0.hasSuffix(" \(reference)") }.map { String($0.prefix(40)) }
  }
}
