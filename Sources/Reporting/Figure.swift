import Results

/// A kind of number that a case has, and how a table heads, orders and writes it.
struct Figure: Sendable {
  var title: String
  /// A heading it shares with its neighbours.
  var group = ""
  /// As in `Table.Column`.
  var rank = 0
  var better = Direction.lower
  var show: @Sendable (Double) -> String
  var read: @Sendable (CaseSummary) -> Reading

  func titled(_ title: String, group: String? = nil, rank: Int = 0) -> Figure {
    var figure = self
    figure.title = title
    figure.group = group ?? self.group
    figure.rank = rank
    return figure
  }

  static func latency(_ percentile: Double, of histogram: String, group: String = "", rank: Int = 0) -> Figure
  {
    Figure(
      title: "p\(shortestDecimal(percentile))", group: group, rank: rank, show: Quantity.time(nanoseconds:)
    ) { $0.percentile(percentile, of: histogram) }
  }

  static func largest(of histogram: String, group: String = "") -> Figure {
    Figure(title: "max", group: group, rank: 3, show: Quantity.time(nanoseconds:)) {
      $0.maximum(of: histogram)
    }
  }

  /// How far the trials are apart: the distance between the extreme ones as a share of the median one.
  static func spread(of metric: String) -> Figure {
    Figure(title: "spread", rank: 4, show: Quantity.percent) { summary in
      let reading = summary.reading(metric)
      guard let range = reading.range, let median = reading.value, median > 0 else { return Reading() }
      return Reading(value: (range.upperBound - range.lowerBound) / median)
    }
  }

  /// CPU time per message, of one side or of both together.
  static func cpu(_ side: String? = nil) -> Figure {
    Figure(title: side ?? "CPU/msg", group: side == nil ? "" : "CPU/msg", show: Quantity.time(nanoseconds:)) {
      $0.cpuNanosecondsPerMessage(side)
    }
  }

  /// What both sides together were counted to do for a message; nothing where one of them could not be counted.
  private static func counted(_ name: String, _ title: String) -> Figure {
    Figure(title: title, group: "per message", rank: 5, show: Quantity.count) { summary in
      let sides = CPUTime.sides.compactMap { summary.reading("\(name)_\($0)").value }
      return Reading(value: sides.count == CPUTime.sides.count ? sides.reduce(0, +) : nil)
    }
  }

  static let systemCalls = counted("system_calls", "system calls")
  static let cycles = counted("cycles", "cycles")
  static let instructions = counted("instructions", "instructions")

  /// Of the whole processor, while the messages went.
  static let energy = Figure(title: "energy", group: "per message", rank: 5, show: Quantity.energy(joules:)) {
    $0.reading("energy_package")
  }

  static let countedCosts = [systemCalls, cycles, instructions, energy]

  static let messageRate = Figure(title: "messages", better: .higher, show: Quantity.rate(perSecond:)) {
    $0.reading("message_rate")
  }

  static let goodput = Figure(title: "goodput", better: .higher, show: Quantity.goodput(bytesPerSecond:)) {
    $0.reading("goodput")
  }

  /// How evenly several were served.
  static let fairness = Figure(
    title: "fairness", rank: 1, better: .higher, show: { shortestDecimal(rounded($0)) }
  ) {
    $0.reading("fairness")
  }

  private static func rounded(_ value: Double) -> Double { (value * 1000).rounded() / 1000 }

  /// The share of what was sent that nobody received.
  static let lost = Figure(title: "lost", rank: 1, show: Quantity.percent) { summary in
    guard let lost = summary.reading("messages_lost").value, lost > 0,
      let came = summary.reading("messages").value
    else { return Reading() }
    return Reading(value: lost / (lost + came))
  }

  /// The share of the offered load that arrived.
  static let achieved = Figure(title: "achieved", rank: 3, better: .higher, show: Quantity.percent) {
    summary in
    guard let target = summary.identity.rateTargetPerSecond, target > 0 else { return Reading() }
    return Reading(value: summary.reading("achieved_rate").value.map { $0 / target })
  }

  /// Context switches of both sides together, as many as a trial had.
  static let contextSwitches = Figure(title: "switches", rank: 5, show: Quantity.count) { summary in
    let values = ["voluntary_producer", "voluntary_consumer", "involuntary_producer", "involuntary_consumer"]
      .compactMap { summary.reading("context_switches_\($0)").value }
    return Reading(value: values.isEmpty ? nil : values.reduce(0, +))
  }
}
