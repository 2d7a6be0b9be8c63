import Glibc

/// What a worker is at, in memory that its parent sees too and that outlives it.
struct Progress {
  private let words: UnsafeMutablePointer<UInt64>

  /// - Parameter path: of a file that the first to come makes.
  init?(_ path: String) {
    let descriptor = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0o600)
    guard descriptor >= 0, ftruncate(descriptor, 4_096) == 0 else { return nil }
    defer { close(descriptor) }
    let memory = mmap(nil, 4_096, PROT_READ | PROT_WRITE, MAP_SHARED, descriptor, 0)
    guard let memory, memory != MAP_FAILED else { return nil }
    words = memory.bindMemory(to: UInt64.self, capacity: 3)
  }

  func begin(_ number: UInt64) { words[0] = number }
  func count(accepted isAccepted: Bool) { words[isAccepted ? 1 : 2] += 1 }

  /// The case that was begun last.
  var number: UInt64 { words[0] }
  var accepted: UInt64 { words[1] }
  var refused: UInt64 { words[2] }
}
