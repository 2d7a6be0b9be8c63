import Results

/// A question that people ask when they choose a mechanism, and what a run says to it.
struct Answer {
  var question: Question
  /// Whole sentences with figures; empty where the run does not hold what is needed.
  var sentences: [String]
  var tables: [Table] = []
  /// The command that measures what is missing, or more of it.
  var measure: String

  var isAnswered: Bool { !sentences.isEmpty }
}

/// In the order of their numbers, which stay: people cite them.
enum Question: Int, CaseIterable {
  case fastest = 1
  case spinning, sparse, unixOrTCP, crossovers, tail, waking, sharedOrMapped, manyToOne, placement, frameworks
  case mitigations, published

  var text: String {
    switch self {
    case .fastest: "Which mechanism is fastest, and by how much?"
    case .spinning: "What does spinning cost in CPU time?"
    case .sparse: "Why are sparse messages slow?"
    case .unixOrTCP: "Unix socket or TCP?"
    case .crossovers: "At which message size does the order change?"
    case .tail: "What about the tail, and the worst case?"
    case .waking: "Futex, eventfd or pipe to wake the other side?"
    case .sharedOrMapped: "A mapped file or a shared-memory object?"
    case .manyToOne: "What brings many senders to one receiver?"
    case .placement: "What do pinning, SMT and NUMA change?"
    case .frameworks: "What does a framework cost over the socket below it?"
    case .mitigations: "What do the kernel's mitigations cost?"
    case .published: "Why do my numbers differ from published ones?"
    }
  }
}

extension RunView {
  /// One for each question, in their order.
  var answers: [Answer] { Question.allCases.map(answer) }

  func answer(_ question: Question) -> Answer {
    switch question {
    case .fastest: fastest
    case .spinning: spinning
    case .sparse: sparse
    case .unixOrTCP: unixOrTCP
    case .crossovers: crossovers
    case .tail: tail
    case .waking: waking
    case .sharedOrMapped: sharedOrMapped
    case .manyToOne: manyToOne
    case .placement: placementAnswer
    case .frameworks: frameworks
    case .mitigations: mitigations
    case .published: published
    }
  }
}

// MARK: What answers are made of

extension RunView {
  /// Cases of a pattern that can stand beside each other: of mechanisms, all bytes touched, on one host.
  func comparable(_ pattern: String, size: Int? = nil, wait: String? = nil) -> [CaseSummary] {
    measured.filter { summary in
      let identity = summary.identity
      return identity.pattern == pattern && identity.touch == "all" && identity.id != ownCostMechanism
        && identity.scope == "host" && (size == nil || identity.messageBytes == size)
        && (wait == nil || identity.wait == wait)
    }
  }

  /// The best of them by a figure; those without it do not count.
  func best(_ cases: [CaseSummary], _ figure: Figure) -> (summary: CaseSummary, value: Double)? {
    let read = cases.compactMap { summary in figure.read(summary).value.map { (summary: summary, value: $0) }
    }
    return figure.better == .higher
      ? read.max { ($0.value, $1.summary.identity) < ($1.value, $0.summary.identity) }
      : read.min { ($0.value, $0.summary.identity) < ($1.value, $1.summary.identity) }
  }

  func find(
    _ id: String, _ pattern: String, size: Int? = nil, wait: String
  ) -> CaseSummary? { comparable(pattern, size: size, wait: wait).first { $0.identity.id == id } }

  /// `11.8 µs (11.2 µs to 13.0 µs, 3 trials)`: every figure says what it rests on.
  func told(_ figure: Figure, _ summary: CaseSummary) -> String {
    let reading = figure.read(summary)
    guard let value = reading.value else { return Quantity.refused }
    let trials = counted(summary.okTrials, "trial")
    guard let range = reading.range else { return "\(figure.show(value)) (\(trials))" }
    return
      "\(figure.show(value)) (\(figure.show(range.lowerBound)) to \(figure.show(range.upperBound)), \(trials))"
  }

  /// Whether their trials' ranges have values in common, so that these trials cannot tell which is better.
  func overlap(_ figure: Figure, _ one: CaseSummary, _ other: CaseSummary) -> Bool {
    let readings = [figure.read(one), figure.read(other)]
    guard let first = readings[0].value, let second = readings[1].value else { return true }
    return (readings[0].range ?? first...first).overlaps(readings[1].range ?? second...second)
  }

  /// `2.4 times`; below two as a percentage.
  func times(_ ratio: Double) -> String {
    guard ratio.isFinite, ratio > 0 else { return Quantity.refused }
    return ratio < 1.995 ? "\(Int((100 * (ratio - 1)).rounded())) %" : "\(Quantity.count(ratio)) times"
  }

  /// `pipe (block)`.
  func name(_ summary: CaseSummary) -> String { "\(summary.identity.id) (\(summary.identity.wait))" }

  var placements: String {
    let all = Set(measured.map(\.identity.placement)).sorted()
    return all.count == 1 ? "CPUs \(all[0])" : "CPUs \(all.joined(separator: " or "))"
  }
}

extension Figure {
  static let medianRoundTrip = latency(50, of: "latency_rtt")
}
