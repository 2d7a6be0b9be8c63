import Results

extension Export {
  /// The Go project's benchmark data format (https://go.dev/design/14313-benchmark-format), one line a trial.
  ///
  /// Only what differs between machines is a configuration line, because benchstat puts results with different
  /// configurations into different tables, which is right for machines and wrong for a before and an after. The
  /// run and its commit are comments.
  static let go = Export(
    name: "go", summary: "Go benchmark text, one line a trial, for benchstat",
    maker: .trials { selection throws(ExportError) in
      let text = try goText(selection)
      return Exported([Exported.File(name: "benchmarks.txt", text: text)], notes: selection.notes)
    })

  private static func goText(_ selection: Selection) throws(ExportError) -> String {
    var units: [String] = []
    var blocks = ""
    for (index, run) in selection.runs.enumerated() {
      blocks += configuration(run, isFirst: index == 0)
      for chosen in run.cases {
        let latency = selection.latency(of: chosen)
        let metrics = selection.metrics(of: chosen)
        for metric in metrics where metric.better != .none {
          let line = "Unit \(goUnit(metric, latency: latency)) better=\(metric.better)\n"
          if !units.contains(line) { units.append(line) }
        }
        for trial in chosen.trials {
          let pairs = metrics.compactMap { metric in
            selection.value(metric.name, of: trial).map {
              "\(shortestDecimal($0)) \(goUnit(metric, latency: latency))"
            }
          }
          // A result without measurements is a syntax error.
          guard !pairs.isEmpty else { continue }
          let iterations = selection.samples(of: trial, metrics)
          blocks += "\(chosen.identity.goName) \(iterations) \(pairs.joined(separator: " "))\n"
        }
        if let loss = chosen.loss { blocks += "# \(LossNote.text(chosen.identity, loss))\n" }
      }
    }
    guard !units.isEmpty || blocks.contains("\nBenchmark") else { throw selection.nothingMeasured }
    return units.joined() + blocks
  }

  private static func configuration(_ run: Selection.Run, isFirst: Bool) -> String {
    let processor = run.environment?.cpu
    let architectures = ["x86_64": "amd64", "aarch64": "arm64"]
    let lines = [
      ("goos", "linux"),
      ("goarch", processor?.architecture.map { architectures[$0] ?? $0 } ?? ""),
      ("pkg", "ipcbench"),
      ("cpu", processor?.model ?? ""),
      ("host", run.origin.hostID),
    ]
    // A key without a value takes back what an earlier run said of its machine.
    let configuration = lines.filter { !($0.1.isEmpty && isFirst) }
      .map { $0.1.isEmpty ? "\($0.0):\n" : "\($0.0): \($0.1)\n" }.joined()
    let commit = run.origin.gitCommit.isEmpty ? "" : ", commit \(run.origin.gitCommit)"
    return configuration
      + "# run \(run.origin.runID)\(commit), environment \(run.origin.environmentHash)\n"
  }

  /// The unit says what is measured, and ends with the unit of measurement: `ns/op` is the median of the
  /// latency that the case is about, `p99-ns/op` another percentile of it.
  static func goUnit(_ metric: TrialTable.Metric, latency: String?) -> String {
    if metric.name == "message_rate" { return "msgs/s" }
    if metric.name == "goodput" { return "B/s" }
    if let latency, metric.name == "\(latency)_p50" { return "ns/op" }
    let short = latency.flatMap {
      metric.name.hasPrefix("\($0)_") ? metric.name.dropFirst($0.count + 1) : nil
    }
    let words = (short.map(String.init) ?? metric.name).escaped().replacing("_", with: "-")
    // A latency is of one operation; a probe or the time of setting up is not.
    let time = metric.name.hasPrefix("latency_") ? "ns/op" : "ns"
    let units = [
      "ns": time, "ns/message": "ns/op", "1/s": "msgs/s", "B/s": "B/s", "1": "count", "1/message": "count/op",
      "J/message": "J/op",
    ]
    return "\(words)-\(units[metric.unit] ?? metric.unit.escaped())"
  }
}

extension CaseIdentity {
  /// The pattern, then `key=value` for everything else, so that benchstat can compare along each:
  /// `benchstat -col /mechanism`. The number at the end, Go's number of processors, is that of the processes.
  var goName: String {
    let colon = pattern.firstIndex(of: ":")
    let base = String(pattern[..<(colon ?? pattern.endIndex)])
    var parts: [(key: String, value: String)] = []
    if base.camelCased == nil { parts.append(("pattern", base.escaped())) }
    if let colon { parts.append(("kind", pattern[pattern.index(after: colon)...].description.escaped())) }
    let id = mechanism.escaped(":") + (variant.isEmpty ? "" : ":\(variant.escaped())")
    parts += [
      ("mechanism", id), ("size", "\(messageBytes)"), ("wait", wait.escaped()),
      ("placement", placement.escaped()), ("attach", attach.escaped()),
    ]
    let all = (parts + particulars).map { "/\($0.key)=\($0.value)" }.joined()
    return "Benchmark\(base.camelCased ?? "Case")\(all)-\(producers + consumers)"
  }
}

extension String {
  /// `RoundTrip` for `round-trip`; nil where two words could become the same name.
  fileprivate var camelCased: String? {
    let words = split(separator: "-", omittingEmptySubsequences: false)
    let isPlain = words.allSatisfy { word in
      word.first.map { ("a"..."z").contains($0) } ?? false
        && word.allSatisfy { ("a"..."z").contains($0) || ("0"..."9").contains($0) }
    }
    return isPlain ? words.map { $0.prefix(1).uppercased() + $0.dropFirst() }.joined() : nil
  }
}
