extension TrialTable.Metric {
  /// The metric that ipcbench writes under a name; nil for a name that it does not know, as one that a later
  /// version added.
  ///
  /// `Measures` in the harness writes them. A file in which one of them has another unit was changed by hand or
  /// by another tool, and its numbers must not be compared.
  static func known(_ name: String) -> TrialTable.Metric? {
    // A name that ends in an underscore stands for all that begin with it; the first that fits counts.
    let rule = rules.first { rule in
      rule.name == name || (rule.name.hasSuffix("_") && name.hasPrefix(rule.name))
    }
    return rule.map { TrialTable.Metric(name: name, unit: $0.unit, better: $0.better) }
  }

  /// Whether a value below zero can be right. The offset of two clocks has a sign; of a metric that is not known
  /// and has no direction, nothing is known.
  var mayBeNegative: Bool {
    name == "clock_offset" || (better == .none && TrialTable.Metric.known(name) == nil)
  }

  private static let rules: [TrialTable.Metric] = [
    rule("latency_", "ns", .lower), rule("message_rate", "1/s", .higher),
    rule("message_rate_", "1/s", .higher), rule("fairness", "1", .higher),
    rule("goodput", "B/s", .higher),
    rule("offered_rate", "1/s", .none), rule("achieved_rate", "1/s", .higher),
    rule("cpu_user_", "ns/message", .lower), rule("cpu_system_", "ns/message", .lower),
    rule("context_switches_", "1", .lower), rule("faults_minor_", "1", .lower),
    rule("system_calls_", "1/message", .lower), rule("cycles_", "1/message", .lower),
    rule("instructions_", "1/message", .lower), rule("energy_package", "J/message", .lower),
    rule("stalls_", "1", .lower),
    rule("migrations_", "1", .lower), rule("messages", "1", .none),
    rule("messages_lost", "1", .lower),
    rule("payload_copies", "1", .none), rule("setup_time", "ns", .lower),
    rule("probe_", "ns", .none),
    rule("clock_offset", "ns", .none), rule("peer_look_up_", "ns", .lower),
    rule("zero_copy_sends_copied_", "1", .lower), rule("zero_copy_sends_", "1", .none),
    rule("tcp_nodelay_", "1", .none), rule("datagrams_dropped_", "1", .lower),
    rule("overruns_", "1", .lower),
    rule("pages_node_", "1", .none),
    rule("steal", "ns", .none), rule("cpu_pressure", "ns", .none), rule("cpu_throttled", "ns", .none),
    rule("thermal_throttles", "1", .none), rule("frequency_", "1/s", .none),
  ]

  private static func rule(_ name: String, _ unit: String, _ better: Direction) -> TrialTable.Metric {
    TrialTable.Metric(name: name, unit: unit, better: better)
  }
}
