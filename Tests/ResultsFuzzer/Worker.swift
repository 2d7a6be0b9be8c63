import FuzzSupport
import Glibc

/// A case is made of the seed and its number alone, so that it can be made again.
struct Fuzzer {
  /// Most of the time goes into what comes by mail, and some into what a crash leaves behind.
  private static let ofRuns = 50

  let seed: UInt64
  private let seeds = Seeds()
  private let exercise: Exercise
  private let run: DamagedRun

  /// - Parameter directory: is made, for a run in it.
  init(seed: UInt64, directory: String) throws {
    self.seed = seed
    exercise = try Exercise(seeds)
    run = try DamagedRun(directory)
  }

  /// Comparing takes longer than all the rest.
  private static let ofComparisons: UInt64 = 8

  /// The damaged file, and its name in a run directory; nil for one that stands alone.
  func file(_ number: UInt64) -> (name: String?, bytes: [UInt8]) {
    var generator = Generator(seed: seed, number: number)
    let isOfRun = generator.oneIn(Self.ofRuns)
    var (name, bytes): (String?, [UInt8]) = (nil, [])
    if isOfRun { (name, bytes) = run.file(&generator) } else { bytes = seeds.text(&generator) }
    for _ in 0...(generator.oneIn(3) ? generator.below(4) : 0) {
      if isOfRun {
        Damage.applyToJSON(&bytes, &generator)
      } else {
        Damage.any(&generator).apply(to: &bytes, &generator)
      }
    }
    return (name, bytes)
  }

  func outcome(_ number: UInt64) -> Outcome {
    let (name, bytes) = file(number)
    if let name { return run.read(name, bytes, exercise) }
    return exercise.read(bytes, isCompared: number / 16 % Self.ofComparisons == 0)
  }
}

/// `worker <seed> <first> <step> <cases> <progress file>`: every step-th case, from the first.
func runWorker(_ arguments: [String]) -> Never {
  let numbers = arguments.prefix(4).compactMap { UInt64($0) }
  guard arguments.count == 5, numbers.count == 4, let progress = Progress(arguments[4]) else { exit(64) }
  // A file must not make its reader eat the machine's memory.
  var limit = rlimit(rlim_cur: 2 << 30, rlim_max: 2 << 30)
  setrlimit(__rlimit_resource_t(RLIMIT_AS.rawValue), &limit)
  do {
    let fuzzer = try Fuzzer(seed: numbers[0], directory: "\(arguments[4])-run")
    for number in stride(from: numbers[1], to: numbers[3], by: Int(numbers[2])) {
      progress.begin(number)
      switch fuzzer.outcome(number) {
      case .accepted: progress.count(accepted: true)
      case .refused: progress.count(accepted: false)
      case .wrong(let text):
        print("fuzz: case \(number): \(text)")
        exit(1)
      }
    }
    exit(0)
  } catch {
    print("fuzz: a worker cannot begin: \(error)")
    exit(1)
  }
}
