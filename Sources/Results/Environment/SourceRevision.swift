import Glibc

extension Environment.Tool {
  /// The tool that is running, with the commit of the checkout it was built in, where it still lies in one.
  init(reading files: SystemFiles) {
    self.init()
    gitCommit = Self.executableDirectory(files).flatMap { Self.commit(above: $0, files) }
  }

  private static func executableDirectory(_ files: SystemFiles) -> String? {
    var buffer = [CChar](repeating: 0, count: Int(PATH_MAX))
    let count = readlink(files.root + "proc/self/exe", &buffer, buffer.count)
    guard count > 0 else { return nil }
    let path = String(decoding: buffer[..<count].map { UInt8(bitPattern: $0) }, as: UTF8.self)
    return path.lastIndex(of: "/").map { String(path[..<$0]) }
  }

  /// The commit that is checked out in the nearest repository above a directory. Git itself is not run: it may
  /// be absent, and it refuses other users' checkouts.
  static func commit(above directory: String, _ files: SystemFiles) -> String? {
    var rest = directory[...]
    while true {
      let path = "\(rest)/.git"
      if files.exists(path) { return commit(inRepository: gitDirectory(path, files), files) }
      guard let slash = rest.lastIndex(of: "/") else { return nil }
      rest = rest[..<slash]
    }
  }

  /// A linked work tree has a file instead of the directory: `gitdir: /path`, or a path relative to the file.
  private static func gitDirectory(_ path: String, _ files: SystemFiles) -> String {
    guard let text = files.text(path), text.hasPrefix("gitdir:") else { return path }
    let target = text.dropFirst("gitdir:".count).trimmed
    return target.hasPrefix("/") ? target : "\(path.dropLast(".git".count))\(target)"
  }

  private static func commit(inRepository git: String, _ files: SystemFiles) -> String? {
    guard let head = files.text("\(git)/HEAD") else { return nil }
    guard head.hasPrefix("ref:") else { return hash(head) }
    let reference = head.dropFirst("ref:".count).trimmed
    // A linked work tree keeps its branches in the repository it was linked from.
    let common = files.text("\(git)/commondir").map { $0.hasPrefix("/") ? $0 : "\(git)/\($0)" } ?? git
    if let own = files.text("\(common)/\(reference)") { return hash(own) }
    let packed = files.lines("\(common)/packed-refs")?.first { $0.hasSuffix(" \(reference)") }
    return packed.flatMap { $0.split(separator: " ").first }.flatMap { hash(String($0)) }
  }

  private static func hash(_ text: String) -> String? {
    text.count >= 40 && text.allSatisfy(\.isHexDigit) ? text : nil
  }
}
