import FuzzSupport
import Glibc

/// A parser, and packets that it accepts.
struct Target: Sendable {
  var name: String
  var seeds: [[UInt8]]
  var parse: @Sendable (UnsafeRawBufferPointer) -> Void
}

/// Runs a target in a child, and watches it.
struct Supervisor {
  private let target: Target
  private let seed: UInt64
  /// Shared with the child: how many inputs it has begun, the length of the current one, and its bytes.
  private let page: UnsafeMutableRawPointer

  private static var largestInput: Int { 1 << 16 }
  private static var largestResidentKibibytes: Int { 256 << 10 }
  /// An input takes microseconds.
  private static var patienceSeconds: Double { 10 }

  init(_ target: Target, seed: UInt64) {
    self.target = target
    self.seed = seed
    page = mmap(
      nil, Self.largestInput + 16, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0)!
  }

  /// Whether all went well; prints a line.
  func run(inputs: UInt64) -> Bool {
    fflush(nil)
    let began = time()
    let child = fork()
    if child == 0 {
      feed(inputs)
      _exit(0)
    }
    let problem = watch(child)
    let seconds = time() - began
    guard let problem else {
      let rate = Double(inputs) / max(seconds, 0.001) / 1000
      print("ok \(target.name): \(inputs) inputs, seed \(seed), \(Int(rate)) k/s")
      return true
    }
    print("FAIL \(target.name): \(problem); the input, number \(begun - 1) of seed \(seed), is in \(keep())")
    return false
  }

  private func time() -> Double {
    var now = timespec()
    clock_gettime(CLOCK_MONOTONIC, &now)
    return Double(now.tv_sec) + Double(now.tv_nsec) / 1e9
  }

  // MARK: Child

  private func feed(_ inputs: UInt64) {
    for number in 0..<inputs {
      var generator = Generator(seed: seed, number: number)
      var bytes = generator.pick(target.seeds)
      for _ in 0...generator.below(4) { Damage.any(&generator).apply(to: &bytes, target.seeds, &generator) }
      bytes.removeLast(max(0, bytes.count - Self.largestInput))
      // In memory that is just as large, so that a look beyond its end can be found out by a sanitizer.
      let copy = UnsafeMutableRawBufferPointer.allocate(byteCount: bytes.count, alignment: 1)
      copy.copyBytes(from: bytes)
      (page + 16).copyMemory(from: bytes, byteCount: bytes.count)
      page.storeBytes(of: bytes.count, toByteOffset: 8, as: Int.self)
      page.storeBytes(of: number + 1, as: UInt64.self)
      target.parse(UnsafeRawBufferPointer(copy))
      copy.deallocate()
    }
  }

  // MARK: Parent

  private var begun: UInt64 { page.load(as: UInt64.self) }

  /// What is wrong, nil when the child has ended well.
  private func watch(_ child: pid_t) -> String? {
    var (status, usage) = (Int32(0), rusage())
    var (seen, since) = (UInt64(0), time())
    while wait4(child, &status, WNOHANG, &usage) == 0 {
      usleep(20_000)
      if begun != seen { (seen, since) = (begun, time()) }
      guard time() - since > Self.patienceSeconds else { continue }
      kill(child, SIGKILL)
      wait4(child, &status, 0, &usage)
      return "it hangs"
    }
    if status != 0 { return "the parser was ended by signal \(status & 0x7f)" }
    if usage.ru_maxrss > Self.largestResidentKibibytes { return "it took \(usage.ru_maxrss) KiB of memory" }
    return nil
  }

  private func keep() -> String {
    let path = "fuzz-\(target.name)-\(seed)-\(begun - 1)"
    let file = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0o644)
    _ = write(file, page + 16, page.load(fromByteOffset: 8, as: Int.self))
    close(file)
    return path
  }
}
