import Analysis
import IPCTransport
import LinuxIPC
import Measurement
import Results

/// Turns what a trial left into named numbers with units.
struct Measures {
  let measurement: TrialMeasurement
  let planned: PlannedCase
  let echoSpinSteps: UInt64
  let clock: Clock

  /// The histograms to keep with the trial.
  var histograms: [StoredHistogram] {
    zip(histogramNames, snapshots).compactMap { name, snapshot in
      snapshot.totalCount == 0
        ? nil
        : StoredHistogram(
          name: name, values: snapshot.values, counts: snapshot.counts, minimum: snapshot.minimum,
          maximum: snapshot.maximum, sum: Double(snapshot.sum))
    }
  }

  /// Those of all consumers of a fan-out together are one.
  private var snapshots: [SharedHistogram.Snapshot] {
    planned.pattern == .fanOut
      ? [SharedHistogram.Snapshot(merging: Array(measurement.histograms.prefix(planned.crew.consumers)))]
      : measurement.histograms
  }

  private var histogramNames: [String] {
    switch planned.pattern {
    case .roundTrip: ["latency_rtt"]
    case .stream: []
    case .batchedStream: ["latency_batch"]
    case .paced: ["latency_service", "latency_response"]
    case .wakeUp: ["latency_wake_up"]
    case .fanIn, .fanOut: ["latency_one_way"]
    case .connect: ["latency_set_up", "latency_first_message", "latency_tear_down"]
    }
  }

  var all: [Measure] {
    let costs = planned.pattern == .connect ? [] : costs
    return histograms.flatMap(latencies) + rates + costs + circumstances
  }

  /// What came, at all consumers together; less than was sent only where the mechanism may lose messages.
  private var messages: Double { Double(measurement.consumers.reduce(0) { $0 + $1.messages }) }

  /// What was sent, to all consumers together.
  private var messagesSent: Double {
    Double(measurement.producers.reduce(0) { $0 + $1.messages }) * Double(planned.crew.consumers)
  }

  /// A round trip is over where it began; anything else when the last message has been received.
  private var elapsedNanoseconds: Double {
    let (producer, consumer) = (measurement.producer, measurement.consumer)
    // The window in which all producers were sending is the consumer's.
    if planned.pattern == .fanIn {
      return Double(clock.nanoseconds(consumer.endTicks &- consumer.startTicks))
    }
    if planned.pattern == .fanOut {
      let end = measurement.consumers.map(\.endTicks).max() ?? producer.endTicks
      return Double(clock.nanoseconds(end &- producer.startTicks))
    }
    let end = planned.pattern == .roundTrip ? producer.endTicks : max(producer.endTicks, consumer.endTicks)
    return Double(clock.nanoseconds(end &- producer.startTicks))
  }

  // MARK: Time

  private static let percentiles: [(Double, String)] = [
    (50, "p50"), (90, "p90"), (99, "p99"), (99.9, "p99_9"), (99.99, "p99_99"),
  ]

  private func latencies(_ stored: StoredHistogram) -> [Measure] {
    let merged = MergedHistogram([stored])
    let samples = Int(stored.totalCount)
    func measure(_ suffix: String, _ value: Double?, _ reason: String? = nil) -> Measure {
      Measure("\(stored.name)_\(suffix)", value, unit: "ns", better: .lower, samples: samples, reason: reason)
    }
    let midmean = Statistics.interquartileMean(
      values: stored.values.map { Double($0) }, counts: stored.counts)
    return [
      measure("mean", merged.mean),
      measure("midmean", midmean, midmean == nil ? "the middle half needs 4 samples." : nil),
      measure("min", Double(stored.minimum)),
    ]
      + Self.percentiles.map { percentile, name in
        measure(
          name, merged.value(atPercentile: percentile), merged.refusal(ofPercentile: percentile))
      } + [measure("max", Double(stored.maximum))]
  }

  private var rates: [Measure] {
    if planned.crew.gathering != .pair { return gatheringRates }
    let rate = elapsedNanoseconds > 0 ? messages * 1e9 / elapsedNanoseconds : nil
    // Here the pattern sets the pace.
    if [.wakeUp, .connect].contains(planned.pattern) { return [] }
    let samples = Int(measurement.consumer.messages)
    let bytes = Double(planned.identity.messageBytes)
    guard planned.pattern != .paced else {
      // From the first due message to the last one received lie one interval fewer than messages.
      let rate = rate.map { messages > 1 ? $0 * (messages - 1) / messages : $0 }
      return [
        Measure(
          "offered_rate", planned.identity.rateTargetPerSecond, unit: "1/s", better: .none, samples: samples),
        Measure("achieved_rate", rate, unit: "1/s", better: .higher, samples: samples),
      ]
    }
    return [
      Measure("message_rate", rate, unit: "1/s", better: .higher, samples: samples),
      Measure("goodput", rate.map { $0 * bytes }, unit: "B/s", better: .higher, samples: samples),
    ]
  }

  /// Of all together, of each by itself, and how evenly they share (Jain, Chiu, Hawe 1984: 1 where all get the same, 1/n
  /// where one gets everything).
  private var gatheringRates: [Measure] {
    let side = planned.crew.manyRole.rawValue
    let counts =
      planned.pattern == .fanIn
      ? measurement.receivedFrom.map { Double($0) } : measurement.consumers.map { Double($0.messages) }
    let perNanosecond = elapsedNanoseconds > 0 ? 1e9 / elapsedNanoseconds : nil
    let total = counts.reduce(0, +)
    func rate(_ name: String, _ count: Double) -> Measure {
      Measure(name, perNanosecond.map { $0 * count }, unit: "1/s", better: .higher, samples: Int(count))
    }
    let bytes = Double(planned.identity.messageBytes)
    return [
      rate("message_rate", total),
      Measure(
        "goodput", perNanosecond.map { $0 * total * bytes }, unit: "B/s", better: .higher,
        samples: Int(total)),
    ]
      + counts.enumerated().map { rate("message_rate_\(side)_\($0.offset)", $0.element) }
      + [
        Measure(
          "fairness", total > 0 ? Statistics.jainIndex(counts) : nil, unit: "1", better: .higher,
          samples: counts.count)
      ]
  }

  // MARK: Costs

  private var costs: [Measure] {
    [("producer", measurement.producers), ("consumer", measurement.consumers)].flatMap { side, reports in
      let usage = reports.reduce(ResourceUsage()) { $0 + $1.usage }
      func perMessage(_ name: String, _ total: UInt64) -> Measure {
        Measure("\(name)_\(side)", Double(total) / messages, unit: "ns/message", better: .lower)
      }
      func count(_ name: String, _ value: UInt64) -> Measure {
        Measure("\(name)_\(side)", Double(value), unit: "1", better: .lower)
      }
      return [
        perMessage("cpu_user", usage.userNanoseconds), perMessage("cpu_system", usage.systemNanoseconds),
        count("context_switches_voluntary", usage.voluntarySwitches),
        count("context_switches_involuntary", usage.involuntarySwitches),
        count("faults_minor", usage.minorFaults), count("stalls", reports.reduce(0) { $0 + $1.stalls }),
      ]
        + (reports.allSatisfy(\.hasMigrations)
          ? [count("migrations", reports.reduce(0) { $0 + $1.migrations })] : [])
        + counted(side, reports)
    } + energy
  }

  /// Of the counted phase, where there was one.
  private func counted(_ side: String, _ reports: [WorkerReport]) -> [Measure] {
    let messages = measurement.consumers.reduce(0) { $0 + $1.countedMessages }
    guard messages > 0 else { return [] }
    func measure(_ name: String, _ count: (EventCounts) -> UInt64?) -> Measure? {
      let counts = reports.compactMap { count($0.counts) }
      guard counts.count == reports.count else { return nil }
      return Measure(
        "\(name)_\(side)", Double(counts.reduce(0, +)) / Double(messages), unit: "1/message", better: .lower,
        samples: Int(messages))
    }
    return [
      measure("system_calls", \.systemCalls), measure("cycles", \.cycles),
      measure("instructions", \.instructions),
    ].compactMap(\.self)
  }

  /// Of the whole processor while the trial ran: both sides, the kernel, and whatever else did.
  private var energy: [Measure] {
    guard let microjoules = measurement.producer.packageMicrojoules else { return [] }
    return [
      Measure("energy_package", Double(microjoules) / 1e6 / messages, unit: "J/message", better: .lower)
    ]
  }

  private var circumstances: [Measure] {
    let (producer, consumer) = (measurement.producer, measurement.consumer)
    var measures = [
      Measure("messages", messages, unit: "1", better: .none),
      Measure(
        "messages_lost", messagesSent - messages, unit: "1", better: .lower),
      Measure("payload_copies", Double(traits.payloadCopies), unit: "1", better: .none),
      Measure("setup_time", Double(measurement.setupNanoseconds), unit: "ns", better: .lower),
    ]
    func probe(_ name: String, _ value: Double) {
      if value > 0 { measures.append(Measure("probe_\(name)", value, unit: "ns", better: .none)) }
    }
    probe("cache_line_before", producer.probeBefore.cacheLineNanoseconds)
    probe("cache_line_after", producer.probeAfter.cacheLineNanoseconds)
    probe("arithmetic_producer_before", producer.probeBefore.arithmeticNanoseconds)
    probe("arithmetic_producer_after", producer.probeAfter.arithmeticNanoseconds)
    probe("arithmetic_consumer_before", consumer.probeBefore.arithmeticNanoseconds)
    probe("arithmetic_consumer_after", consumer.probeAfter.arithmeticNanoseconds)
    if producer.probeBefore.cacheLineNanoseconds > 0 {
      measures.append(
        Measure(
          "clock_offset", producer.probeBefore.clockOffsetNanoseconds, unit: "ns", better: .none))
    }
    measures += [("producer", producer.facts), ("consumer", consumerFacts)].flatMap(facts)
    let pages = producer.pagesPerNode
    for node in pages.indices where pages[node] > 0 {
      measures.append(Measure("pages_node_\(node)", Double(pages[node]), unit: "1", better: .none))
    }
    // A slowed echo must never be taken for a measurement.
    if echoSpinSteps > 0 {
      measures.append(Measure("echo_spin_steps", Double(echoSpinSteps), unit: "1", better: .none))
    }
    return measures + disturbances
  }

  private var disturbances: [Measure] {
    let (between, producer, consumer) = (measurement.disturbances, measurement.producer, measurement.consumer)
    func measure(_ name: String, _ value: UInt64?, _ unit: String) -> Measure? {
      value.map { Measure(name, Double($0), unit: unit, better: .none) }
    }
    return [
      measure("steal", between.stealNanoseconds, "ns"),
      measure("cpu_pressure", between.pressureNanoseconds, "ns"),
      measure("cpu_throttled", between.throttledNanoseconds, "ns"),
      measure("thermal_throttles", between.thermalThrottles, "1"),
      measure("frequency_producer", producer.hertz, "1/s"),
      measure("frequency_consumer", consumer.hertz, "1/s"),
    ].compactMap(\.self)
  }

  /// What only counts, of all consumers together.
  private var consumerFacts: TransportFacts {
    var facts = measurement.consumer.facts
    let overruns = measurement.consumers.compactMap(\.facts.overruns)
    if !overruns.isEmpty { facts.overruns = overruns.reduce(0, +) }
    let lost = measurement.consumers.compactMap(\.facts.messagesLost)
    if !lost.isEmpty { facts.messagesLost = lost.reduce(0, +) }
    return facts
  }

  private var traits: Traits { planned.form.mechanism.traits(of: planned.identity.variant) }

  /// What only some mechanisms have.
  private func facts(_ side: String, _ facts: TransportFacts) -> [Measure] {
    func measure(_ name: String, _ value: UInt64?, unit: String = "1", better: Direction = .none) -> Measure?
    {
      value.map { Measure("\(name)_\(side)", Double($0), unit: unit, better: better) }
    }
    return [
      measure("peer_look_up", facts.peerLookUpNanoseconds, unit: "ns", better: .lower),
      measure("activation", facts.activationNanoseconds, unit: "ns", better: .lower),
      measure("first_paint", facts.firstPaintNanoseconds, unit: "ns", better: .lower),
      measure("zero_copy_sends", facts.zeroCopySends),
      measure("zero_copy_sends_copied", facts.zeroCopySendsCopied, better: .lower),
      measure("tcp_nodelay", facts.tcpNoDelay.map { $0 ? 1 : 0 }),
      measure("datagrams_dropped", facts.messagesLost, better: .lower),
      measure("overruns", facts.overruns, better: .lower),
    ].compactMap(\.self)
  }

  // MARK: Probes

  /// Whether the machine was the same before and after; where it was not, the sentence that says so.
  var disagreement: String? {
    let (producer, consumer) = (measurement.producer, measurement.consumer)
    let pairs = [
      (
        "cache-line round trip", producer.probeBefore.cacheLineNanoseconds,
        producer.probeAfter.cacheLineNanoseconds
      ),
      (
        "arithmetic loop", producer.probeBefore.arithmeticNanoseconds,
        producer.probeAfter.arithmeticNanoseconds
      ),
      (
        "arithmetic loop", consumer.probeBefore.arithmeticNanoseconds,
        consumer.probeAfter.arithmeticNanoseconds
      ),
    ]
    for (name, before, after) in pairs where before > 0 && after > 0 {
      if !Statistics.probesAgree(before: before, after: after, tolerance: Statistics.probeTolerance) {
        return "The machine changed during the trial: the \(name) took \(Int(before)) ns before "
          + "and \(Int(after)) ns after."
      }
    }
    return nil
  }
}
