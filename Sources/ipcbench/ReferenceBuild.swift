import Foundation
import Glibc
import LinuxIPC
import SystemPackage

/// The program on the other side of `check --against`: a file that can be run, or a commit that is built here.
struct ReferenceBuild {
  /// The package this program was built from.
  private let source: String

  /// What was found or built.
  struct Program {
    var path: String
    var label: String
  }

  static func program(_ name: String) throws -> Program {
    var status = stat()
    if stat(name, &status) == 0 && status.st_mode & S_IFMT == S_IFREG {
      guard access(name, X_OK) == 0 else {
        throw Problem(.usage, "\(name) is a file that cannot be run: give an ipcbench program or a commit.")
      }
      return Program(path: absolute(name), label: name)
    }
    guard !name.contains("/") || stat(name, &status) != 0 || status.st_mode & S_IFMT != S_IFDIR else {
      throw Problem(.usage, "\(name) is a folder: give an ipcbench program or a commit.")
    }
    return try ReferenceBuild(source: try sourceFolder()).build(name)
  }

  private static func absolute(_ path: String) -> String {
    path.hasPrefix("/") ? path : FileManager.default.currentDirectoryPath + "/" + path
  }

  /// The nearest folder above the program, or the current one, that is a checkout of this package.
  private static func sourceFolder() throws -> String {
    var folder = URL(fileURLWithPath: ownPath).deletingLastPathComponent()
    var candidates = [FileManager.default.currentDirectoryPath]
    for _ in 0..<5 {
      candidates.append(folder.path)
      folder.deleteLastPathComponent()
    }
    let found = candidates.first { path in
      ["Package.swift", ".git", "Benchmarks/Suites"].allSatisfy {
        FileManager.default.fileExists(atPath: "\(path)/\($0)")
      }
    }
    guard let found else {
      throw Problem(
        .usage, "A commit can only be built inside a checkout of ipcbench: go there, or give a program.")
    }
    return found
  }

  static var ownPath: String {
    (try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe")) ?? "/proc/self/exe"
  }

  // MARK: Building

  /// Kept for the next check against the same commit; the folder's name is one that git ignores.
  private var cache: String { "\(source)/.build-check" }

  private func build(_ reference: String) throws -> Program {
    let commit = try resolve(reference)
    let label =
      commit.hasPrefix(reference) ? String(commit.prefix(12)) : "\(reference) (\(commit.prefix(12)))"
    let program = "\(cache)/\(commit)/ipcbench"
    if access(program, X_OK) == 0 { return Program(path: program, label: label) }
    log.notice("Building \(label); this is done once for a commit.")
    // One folder for every commit's sources and one for its objects: what did not change is not built again.
    let tree = "\(cache)/source"
    try? removeTree(tree)
    try FileManager.default.createDirectory(atPath: cache, withIntermediateDirectories: true)
    try git(["worktree", "add", "--detach", "--force", tree, commit])
    defer { try? removeTree(tree) }
    func build(_ product: String) throws {
      try run(
        "swift", ["build", "-c", "release", "--product", product, "--scratch-path", "\(cache)/build"],
        directory: tree, what: "Building \(label)")
    }
    try build("ipcbench")
    for (product, file) in Self.companions {
      // A commit from before it has none: what needs it is skipped then.
      guard (try? build(product)) != nil else { continue }
      try keep("\(cache)/build/release/\(file)", as: "\(cache)/\(commit)/\(file)")
    }
    // Last: it says that all is there.
    try keep("\(cache)/build/release/ipcbench", as: program)
    return Program(path: program, label: label)
  }

  /// Products that lie beside the command, and their files.
  private static let companions = [
    ("ipcbench-object-server", "ipcbench-object-server"),
    ("ipcbench-shared-section", "libipcbench-shared-section.so"),
  ]

  private func resolve(_ reference: String) throws -> String {
    let answer = try output(of: [
      "rev-parse", "--verify", "--quiet", "--end-of-options", "\(reference)^{commit}",
    ])
    guard let answer else {
      throw Problem(
        .usage,
        "'\(reference)' is neither a program nor a commit of \(source): 'git fetch' may be needed first.")
    }
    return answer
  }

  /// A copy appears under its name as a whole, or not at all.
  private func keep(_ built: String, as program: String) throws {
    let folder = (program as NSString).deletingLastPathComponent
    let temporary = "\(program).\(getpid()).tmp"
    do {
      try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
      try FileManager.default.copyItem(atPath: built, toPath: temporary)
    } catch {
      throw Problem(.toolFailed, "Cannot keep the program that was built: \(error.localizedDescription).")
    }
    guard rename(temporary, program) == 0 else {
      throw Problem(.toolFailed, "Cannot keep the program that was built in \(folder).")
    }
  }

  private func removeTree(_ tree: String) throws {
    guard FileManager.default.fileExists(atPath: tree) else { return }
    try git(["worktree", "remove", "--force", tree])
  }

  // MARK: Other programs

  private func git(_ arguments: [String]) throws {
    try run("git", ["-C", source] + arguments, directory: nil, what: "git \(arguments[0]) \(arguments[1])")
  }

  /// What git prints, without white space at the end; nil when it says no.
  private func output(of arguments: [String]) throws -> String? {
    let path = try scopedFile("git")
    defer { unlink(path) }
    let file = try FileDescriptor.open(
      path, .writeOnly, options: [.create, .truncate, .closeOnExec], permissions: .ownerReadWrite)
    defer { try? file.close() }
    let child = try Processes.start("git", ["-C", source] + arguments, standardOutput: file)
    guard try child.reap() == .exited(0) else { return nil }
    return TextFile.read(path)
  }

  /// Runs a program whose words matter only when it fails.
  private func run(_ program: String, _ arguments: [String], directory: String?, what: String) throws {
    let path = try scopedFile("log")
    defer { unlink(path) }
    let file = try FileDescriptor.open(
      path, .writeOnly, options: [.create, .truncate, .closeOnExec], permissions: .ownerReadWrite)
    defer { try? file.close() }
    let child = try Processes.start(
      program, arguments, standardOutput: file, standardError: file, directory: directory)
    let status = try child.reap()
    guard status != .exited(0) else { return }
    if status == .exited(127) {
      throw Problem(.toolFailed, "\(what) needs '\(program)', which is not on the PATH.")
    }
    (TextFile.read(path) ?? "").split(separator: "\n").suffix(20).forEach { Terminal.note(String($0)) }
    throw Problem(.toolFailed, "\(what) failed (\(program) \(status)); its last words are above.")
  }

  private func scopedFile(_ name: String) throws -> String {
    try ResourceScope().path("reference-\(name)", in: .memory)
  }
}
