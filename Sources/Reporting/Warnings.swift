import Results

extension RunView {
  /// What makes the numbers doubtful, one sentence each, the gravest first.
  var warnings: [String] {
    let warnings =
      [unfinished, debugBuild] + run.warnings
      + [
        failures, changingMachine, virtualMachine, unpinned, crowded, stolen, busy, throttled, unsteady,
        untouched,
        skips,
      ]
    return warnings.compactMap { $0 }
  }

  private var unfinished: String? {
    let done = Set(run.trials.map { PlannedTrial(identity: $0.identity, trial: $0.trial) })
    let missing = Set(run.plan.order).subtracting(done).count
    guard missing > 0 else { return nil }
    return
      "\(counted(missing, "trial")) of \(Quantity.grouped(run.plan.order.count)) are missing: the run was "
      + "stopped; `ipcbench run --resume \(run.path)` continues it."
  }

  private var debugBuild: String? {
    guard run.environment.toolchain.configuration == "debug" else { return nil }
    return "The tool was built without optimisation: no number here means anything; build with -c release."
  }

  private var failures: String? {
    let failed = summaries.filter { $0.status == .failed }
    guard !failed.isEmpty else { return nil }
    return "\(counted(failed.count, "case")) failed; the reasons are listed below."
  }

  private var changingMachine: String? {
    let changed = run.trials.filter { !$0.probesAgree }.count
    guard changed > 0 else { return nil }
    return "The machine changed under \(counted(changed, "trial")) of \(Quantity.grouped(run.trials.count)): "
      + "the probes before and after disagreed. Such trials are repeated a few times; one that stays "
      + "unsteady is used only where its case has no better."
  }

  private var virtualMachine: String? {
    let machine = run.environment.virtualisation
    guard machine.virtualMachine == true || machine.hypervisor != nil else { return nil }
    return
      "This is a virtual machine: its host moves the CPUs about, and everything that spins moves with them."
  }

  private var unpinned: String? {
    let cases = measured.filter { $0.identity.placement == "unpinned" }.count
    guard cases > 0 else { return nil }
    let who =
      cases == measured.count ? "The processes were" : "In \(counted(cases, "case")) the processes were"
    return "\(who) not pinned: where the scheduler puts them changes the numbers two-fold and more."
  }

  /// Workers that take turns on a CPU.
  private var crowded: String? {
    let cases = measured.filter { isCrowded($0.identity) }
    guard !cases.isEmpty else { return nil }
    return
      "In \(counted(cases.count, "case")) several workers shared a CPU: there the scheduler is measured as much as the "
      + "mechanism."
  }

  private func isCrowded(_ identity: CaseIdentity) -> Bool {
    guard let cpus = run.environment.cpu.logical else { return false }
    return identity.producers + identity.consumers > cpus
  }

  private var stolen: String? {
    let trials = run.trials.filter { ($0.value("steal") ?? 0) > 0 }.count
    guard trials > 0 else { return nil }
    return "Others were given CPU time during \(counted(trials, "trial")) (steal): their tails are too long."
  }

  private var busy: String? {
    guard let load = run.environment.load.oneMinute, let cpus = run.environment.cpu.logical,
      load > max(0.5, 0.25 * Double(cpus))
    else { return nil }
    return
      "The machine was busy when the run started: load average \(Quantity.count(load)) "
      + "on \(counted(cpus, "CPU"))."
  }

  private var throttled: String? {
    guard let quota = run.environment.isolation.quotaCPUs, quota < 2 else { return nil }
    return "The control group may use \(Quantity.count(quota)) CPUs: two spinning processes are throttled."
  }

  private var unsteady: String? {
    let wide = measured.filter { summary in
      let name = summary.histograms["latency_rtt"] != nil ? "latency_rtt_p50" : "message_rate"
      guard summary.identity.rateTargetPerSecond == nil, let metric = summary.metric(name), metric.trials > 1,
        let low = metric.minimum, let high = metric.maximum, low > 0
      else { return false }
      return high / low > 1.5
    }
    guard !wide.isEmpty else { return nil }
    return
      "In \(counted(wide.count, "case")) of \(Quantity.grouped(measured.count)) the fastest and the slowest "
      + "trial are more than 50 % apart: more trials, or a quieter machine, would help."
  }

  private var untouched: String? {
    let cases = measured.filter { $0.identity.touch != "all" }.count
    guard cases > 0 else { return nil }
    return
      "In \(counted(cases, "case")) only the header of each message was written and read; they "
      + "are marked and cannot be compared with the others."
  }

  private var skips: String? {
    let skipped = summaries.filter { $0.status == .skipped }.count
    guard skipped > 0 else { return nil }
    return "\(counted(skipped, "case")) could not run here; the reasons are listed below."
  }

  /// Failed and skipped cases, one row per mechanism, pattern and reason.
  func troubles(_ status: Status) -> Table? {
    var order: [[String]] = []
    var counts: [[String]: Int] = [:]
    for summary in summaries where summary.status == status {
      let key = [summary.identity.id, summary.identity.pattern, summary.reason]
      if counts.updateValue((counts[key] ?? 0) + 1, forKey: key) == nil { order.append(key) }
    }
    guard !order.isEmpty else { return nil }
    let columns = [
      Table.Column("mechanism", .left), Table.Column("pattern", .left), Table.Column("cases"),
      Table.Column("reason", .left),
    ]
    let rows = order.map { key in
      [Table.Cell(key[0]), Table.Cell(key[1]), Table.Cell("\(counts[key] ?? 0)"), Table.Cell(key[2])]
    }
    return Table(status == .failed ? "Failed" : "Skipped", columns: columns, rows: rows)
  }
}

/// `1 case`, `12 cases`.
func counted(_ count: Int, _ noun: String) -> String {
  "\(Quantity.grouped(count)) \(noun)\(count == 1 ? "" : "s")"
}
