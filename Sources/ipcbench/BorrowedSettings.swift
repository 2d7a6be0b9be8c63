import Glibc
import LinuxIPC
import Reporting
import SystemPackage

/// Settings of the machine that are changed for a while, and put back.
///
/// What each was is noted down among the things of this process before it is changed, so that the next run puts it back
/// where this one is killed.
struct BorrowedSettings {
  /// What one setting came to.
  struct Outcome {
    var finding: String
    /// What it was, where it was changed.
    var before: String?
    /// How many files it was written to: one for each CPU, or one.
    var count = 0
    /// Why it could not be changed.
    var reason: String?
  }

  /// A directory that holds a `proc` and a `sys` of its own; empty for this machine.
  let root: String
  private let scope = ResourceScope()
  private var changed: [(path: String, before: String)] = []

  init(root: String) { self.root = root }

  /// Changes what the finding says, in every file that it stands for; those that have the value already are left alone.
  mutating func apply(_ setting: Doctor.Setting, of finding: String) -> Outcome {
    var outcome = Outcome(finding: finding)
    let paths = files(setting.path)
    if paths.isEmpty { outcome.reason = "\(setting.path) is not there" }
    for path in paths {
      do throws(SystemError) {
        guard let before = TextFile.setting(at: path) else { throw SystemError.last("read", path) }
        guard before != setting.value else { continue }
        let note = KernelObject.setting(path: path, before: before)
        try scope.note(note)
        do throws(SystemError) {
          try TextFile.set(setting.value, at: path)
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
    for (path, before) in all { scope.remove(.setting(path: path, before: before)) }
    scope.removeAll()
    return all.filter { TextFile.setting(at: $0.path) != $0.before }
  }

  /// `*` in the path stands for the number of every CPU.
  private func files(_ pattern: String) -> [String] {
    let parts = pattern.split(separator: "*", maxSplits: 1, omittingEmptySubsequences: false)
    guard parts.count == 2, let slash = parts[0].lastIndex(of: "/") else { return [root + pattern] }
    let directory = root + parts[0][..<slash]
    let prefix = String(parts[0][parts[0].index(after: slash)...])
    let numbers = Directory.names(of: directory).compactMap { name in
      name.hasPrefix(prefix) ? Int(name.dropFirst(prefix.count)) : nil
    }
    return numbers.sorted().map { "\(directory)/\(prefix)\($0)\(parts[1])" }.filter {
      access($0, F_OK) == 0
    }
  }
}
