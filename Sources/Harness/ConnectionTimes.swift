import LinuxIPC
import Measurement

/// How long each of a trial's connections took to come, to carry its first message, and to go.
///
/// One trial makes connections until its time is over, each with a fresh pair of processes. Their start is not part of
/// it, but where a service starts one of them because the other attaches.
final class ConnectionTimes {
  private let memory: UnsafeMutableRawPointer
  private var connections: [TrialMeasurement] = []

  init() {
    let byteCount = 3 * SharedHistogram.byteCount
    memory = .allocate(byteCount: byteCount, alignment: 64)
    memory.initializeMemory(as: UInt8.self, repeating: 0, count: byteCount)
  }

  deinit { memory.deallocate() }

  /// A median needs 20 samples.
  static var least: UInt64 { 20 }

  var count: UInt64 { UInt64(connections.count) }

  func record(_ connection: TrialMeasurement) {
    connections.append(connection)
    histogram(0).record(connection.setupNanoseconds)
    histogram(1).record(connection.histograms[0].maximum)
    histogram(2).record(connection.tearDownNanoseconds)
  }

  private func histogram(_ index: Int) -> SharedHistogram {
    SharedHistogram(at: memory + index * SharedHistogram.byteCount)
  }

  /// All of them as one trial: its message count is that of the connections. Nil where there was none.
  var measurement: TrialMeasurement? {
    guard let first = connections.first, var whole = connections.last else { return nil }
    whole.producer.probeBefore = first.producer.probeBefore
    whole.consumer.probeBefore = first.consumer.probeBefore
    whole.producer.messages = count
    whole.consumer.messages = count
    whole.histograms = (0..<3).map { histogram($0).snapshot() }
    whole.disturbances = connections.dropFirst().reduce(first.disturbances) { $0 + $1.disturbances }
    return whole
  }
}
