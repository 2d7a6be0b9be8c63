import Benchmark
import LinuxIPC
import Measurement
import SharedRing

/// Each closure does a thousand operations; the figures printed are those of one.
let benchmarks: @Sendable () -> Void = {
  Benchmark.defaultConfiguration = .init(
    metrics: [.wallClock, .instructions, .peakMemoryResident], scalingFactor: .kilo,
    maxDuration: .seconds(2))

  Benchmark("record a sample") { benchmark in
    let mapping = try Mapping.anonymous(byteCount: SharedHistogram.byteCount)
    defer { mapping.unmap() }
    // As in a trial: populated beforehand, and warmed up with the same values (here from 0 to 65 µs).
    mapping.populate()
    let histogram = SharedHistogram(at: mapping.base)
    var value: UInt64 = 100
    for _ in benchmark.scaledIterations {
      histogram.record(value)
      value = (value &* 5 &+ 1) & 0xFFFF
    }
    value = 100
    benchmark.startMeasurement()
    for _ in benchmark.scaledIterations {
      histogram.record(value)
      value = (value &* 5 &+ 1) & 0xFFFF
    }
    benchmark.stopMeasurement()
  }

  Benchmark("read the clock") { benchmark in
    let clock = Clock.choose()
    benchmark.startMeasurement()
    for _ in benchmark.scaledIterations { blackHole(clock.now()) }
  }

  Benchmark("write and check a message of 64 bytes") { benchmark in
    let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: 64, alignment: 64)
    defer { buffer.deallocate() }
    let payload = Payload(byteCount: 64, touch: .all)
    var sequence: UInt64 = 0
    benchmark.startMeasurement()
    for _ in benchmark.scaledIterations {
      var span = MutableRawSpan(_unsafeBytes: buffer)
      payload.fill(&span, sequence, 1)
      blackHole(payload.matches(RawSpan(_unsafeBytes: UnsafeRawBufferPointer(buffer)), sequence))
      sequence &+= 1
    }
  }

  Benchmark("send and receive 64 bytes through a message ring") { benchmark in
    let geometry = RingGeometry(kind: .messages, slotCount: 8, capacity: 64)
    let mapping = try Mapping.anonymous(byteCount: geometry.byteCount)
    defer { mapping.unmap() }
    let region = UnsafeMutableRawBufferPointer(start: mapping.base, count: mapping.byteCount)
    let header = try RingHeader.create(in: region, geometry)
    var producer = try MessageProducer<Spin>(header)
    var consumer = try MessageConsumer<Spin>(header)
    benchmark.startMeasurement()
    for _ in benchmark.scaledIterations {
      try producer.send(64) { $0.storeBytes(of: 1, as: UInt64.self) }
      try consumer.receive { blackHole($0.byteCount) }
    }
    benchmark.stopMeasurement()
  }
}
