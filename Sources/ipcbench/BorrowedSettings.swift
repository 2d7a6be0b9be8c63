import LinuxIPC
import Reporting
import Results
import SystemPackage

/// Settings of the machine that are changed for a while, and put back.
///
/// What each was is noted down among the things of this process before it is changed, so that the next run puts it back
/// where this one is killed.
struct BorrowedSettings {
  /// What one setting came to.
  struct Outcome {
    /// What it was, where it was changed.
    var before: String?
    /// How many files it was written to: one for each CPU, or one.
    var count = 0
    /// Why it could not be changed.
    var reason: String?
  }

  private let files: SystemFiles
  private let scope = ResourceScope()
  private var changed: [(path: String, before: String)] = []

  /// - Parameter root: a directory that holds a `proc` and a `sys` of its own; empty for this machine.
  init(root: String) { files = SystemFiles(root: root) }

  /// Changes what the finding says, in every file that it stands for; those that have the value already are left alone.
  mutating func apply(_ setting: Doctor.Setting) -> Outcome {
    var outcome = Outcome()
    let paths = paths(setting.path)
    if paths.isEmpty { outcome.reason = "\(setting.path) is not there" }
    for path in paths {
      do throws(SystemError) {
        guard let before = value(path) else { throw SystemError.last("read", path) }
        guard before != setting.value else { continue }
        let note = KernelObject.setting(path: files.root + path, before: before)
        try scope.note(note)
        do throws(SystemError) {
          try TextFile.set(setting.value, at: files.root + path)
        } catch {
          scope.remove(note)
          throw error
        }
        changed.append((path, before))
        outcome.before = before
        outcome.count += 1
      } catch {
        outcome.reason = "\(error)"
      }
    }
    return outcome
  }

  var isEmpty: Bool { changed.isEmpty }

  /// Puts everything back, last things first; what could not be, by path.
  mutating func giveBack() -> [(path: String, before: String)] {
    let all = changed.reversed()
    changed = []
    for (path, before) in all { scope.remove(.setting(path: files.root + path, before: before)) }
    scope.removeAll()
    return all.filter { value($0.path) != $0.before }
  }

  /// The whole file, or the word in brackets of `always [madvise] never`.
  private func value(_ path: String) -> String? { files.chosen(path) ?? files.text(path) }

  /// Below the root; `*` in the pattern stands for the number of every CPU.
  private func paths(_ pattern: String) -> [String] {
    let pattern = String(pattern.drop { $0 == "/" })
    let parts = pattern.split(separator: "*", maxSplits: 1).map(String.init)
    guard parts.count == 2, let slash = parts[0].lastIndex(of: "/") else { return [pattern] }
    let directory = String(parts[0][...slash])
    let prefix = parts[0].dropFirst(directory.count)
    let numbers = files.names(in: directory).compactMap { name in
      name.hasPrefix(prefix) ? Int(name.dropFirst(prefix.count)) : nil
    }
    return numbers.sorted().map { "\(parts[0])\($0)\(parts[1])" }.filter(files.exists)
  }
}
