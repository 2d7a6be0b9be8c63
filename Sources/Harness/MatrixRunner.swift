import Analysis
import LinuxIPC
import Results

/// Measures a core-to-core matrix, pair by pair, round by round, each round in a random order of its own.
public struct MatrixRunner {
  /// Nanoseconds of one trial between two CPUs.
  public typealias Measurement = (_ first: Int, _ second: Int, _ trial: Int) -> Result<Double, UsageError>

  private var matrix: CoreMatrix
  private let measure: Measurement

  /// - Parameter diagonal: whether both sides may share a CPU.
  public init(
    _ matrix: CoreMatrix, _ topology: Topology, diagonal: Bool, _ measure: @escaping Measurement
  ) {
    self.matrix = matrix
    self.measure = measure
    let cpus = matrix.cpus.compactMap { topology.cpu($0.id) }
    self.matrix.pairs = cpus.flatMap { first in
      cpus.filter { $0.id > first.id || (diagonal && $0.id == first.id) }.map { second in
        CoreMatrix.Pair(first.id, second.id, topology.placement(first, second).rawValue)
      }
    }
  }

  /// - Parameter willMeasure: told how many are done, of how many.
  /// - Returns: nil when the user asked to stop.
  public mutating func run(_ willMeasure: (Int, Int) -> Void) -> CoreMatrix? {
    let count = matrix.pairs.count
    for trial in 0..<matrix.trials {
      var generator = SplitMix64(seed: matrix.seed &+ UInt64(trial))
      for (done, index) in matrix.pairs.indices.shuffled(using: &generator).enumerated() {
        willMeasure(trial * count + done, matrix.trials * count)
        let pair = matrix.pairs[index]
        switch measure(pair.producerCPU, pair.consumerCPU, trial) {
        case .success(let value): matrix.pairs[index].values.append(value)
        case .failure(let error): matrix.pairs[index].failure = error.description
        }
        if StopSignal.isRequested { return nil }
      }
    }
    for index in matrix.pairs.indices {
      matrix.pairs[index].median = Statistics.median(matrix.pairs[index].values)
    }
    return matrix
  }
}
