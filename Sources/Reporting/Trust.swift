import Analysis
import Results

/// How far the numbers of a run can be trusted, and what keeps it from being further: what a report says first.
struct Trust {
  enum Level: String, Encodable, Comparable {
    /// Not measured with what will be used.
    case none
    case low, fair, high

    static func < (one: Level, other: Level) -> Bool {
      order.firstIndex(of: one)! < order.firstIndex(of: other)!
    }
    private static let order: [Level] = [.none, .low, .fair, .high]
  }

  var level = Level.high
  /// What each keeps the level down, in words that follow a colon.
  var reasons: [String] = []
  /// Distance between the extreme trials of a case as a share of its median one: of the case in the middle, and that
  /// which nine of ten stay below. Nil where no case has two trials.
  var spread: (middle: Double, most: Double)?

  fileprivate mutating func add(_ least: Level, _ condition: Bool, _ reason: @autoclosure () -> String) {
    guard condition else { return }
    level = min(level, least)
    reasons.append(reason())
  }

  /// `Trust: fair. …`
  var sentence: String {
    var parts = ["Trust: \(level.rawValue)."]
    if let spread {
      parts.append(
        "The trials of a case are \(Quantity.percent(spread.middle)) apart in the middle case, at most "
          + "\(Quantity.percent(spread.most)) in nine of ten: what differs by less may be equal.")
    }
    parts.append(
      reasons.isEmpty ? "Nothing is known to spoil it." : "Why not more: \(reasons.joined(separator: "; ")).")
    return parts.joined(separator: " ")
  }
}

extension RunView {
  var trust: Trust {
    var trust = Trust()
    let environment = run.environment
    trust.add(.none, environment.toolchain.configuration == "debug", "built without optimisation")
    trust.add(.none, measured.isEmpty, "nothing was measured")
    trust.spread = spread
    if let spread = trust.spread {
      trust.add(.low, spread.middle > 0.25, "the trials scatter widely")
      trust.add(.fair, (0.1...0.25).contains(spread.middle), "the trials scatter")
    } else if !measured.isEmpty {
      trust.add(.low, true, "one trial a case, so that nobody knows how far trials scatter")
    }
    let least = measured.map(\.okTrials).min() ?? 0
    trust.add(.fair, (2..<5).contains(least), "only \(counted(least, "trial")) in some case")
    addDisturbances(to: &trust)
    let machine = environment.virtualisation
    trust.add(.fair, machine.virtualMachine == true || machine.hypervisor != nil, "a virtual machine")
    trust.add(
      .fair, environment.cpu.governor.map { $0 != "performance" } ?? false, "the frequency follows the load")
    trust.add(
      .low, !measured.isEmpty && measured.allSatisfy { $0.identity.placement == "unpinned" },
      "processes not pinned")
    return trust
  }

  /// What happened while the trials ran.
  private func addDisturbances(to trust: inout Trust) {
    let trials = run.trials.filter { $0.status == .ok }
    guard !trials.isEmpty else { return }
    func share(_ isHit: (TrialRecord) -> Bool) -> Double {
      Double(trials.count(where: isHit)) / Double(trials.count)
    }
    func told(_ share: Double, _ what: String) -> String {
      "\(what) in \(Quantity.percent(share)) of the trials"
    }
    for (much, some, what, isHit) in [
      (0.1, 0.02, "the machine changed", { !$0.probesAgree }),
      (0.25, 0.02, "CPU time stolen by the host", { ($0.value("steal") ?? 0) > 0 }),
      (0.05, 0, "a quota was used up", { ($0.value("cpu_throttled") ?? 0) > 0 }),
      (0.05, 0, "the processor was too hot", { ($0.value("thermal_throttles") ?? 0) > 0 }),
    ] as [(Double, Double, String, (TrialRecord) -> Bool)] {
      let share = share(isHit)
      trust.add(share > much ? .low : .fair, share > some, told(share, what))
    }
    let failed = summaries.count { $0.status == .failed }
    trust.add(.fair, failed > 0, "\(counted(failed, "case")) failed")
  }

  private var spread: (middle: Double, most: Double)? {
    let metrics = ["latency_rtt_p50", "message_rate", "latency_response_p50", "latency_wake_up_p50"]
    let spreads = measured.compactMap { summary in
      metrics.lazy.compactMap { Figure.spread(of: $0).read(summary).value }.first
    }
    guard let middle = Statistics.median(spreads), let most = Statistics.quantile(0.9, of: spreads) else {
      return nil
    }
    return (middle, most)
  }
}
