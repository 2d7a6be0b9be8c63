import Analysis
import Results

/// A core-to-core matrix, as people and programs read it.
public struct MatrixReport {
  private let matrix: CoreMatrix
  private let environment: Environment

  public init(_ matrix: CoreMatrix, _ environment: Environment) {
    self.matrix = matrix
    self.environment = environment
  }

  /// `cache-line`, or `pipe, block, 64 B`.
  private var title: String {
    let size = matrix.messageBytes.map { Quantity.size(bytes: Double($0)) }
    return [matrix.mechanism, matrix.wait, size ?? ""].filter { !$0.isEmpty }.joined(separator: ", ")
  }

  private var what: String {
    matrix.mechanism == CoreMatrix.bareCacheLine
      ? "Mean round trip of a bare cache line, in nanoseconds: the floor of everything in shared memory."
      : "Median round trip, in nanoseconds."
  }

  // MARK: Text

  public func text(_ style: TextStyle) -> String {
    let machine = environment.cpu.model ?? "an unnamed CPU"
    let wrapped = { (text: String) in style.wrapped(text, first: "  ", rest: "  ") }
    var lines = ["Core to core: \(title)"] + wrapped(machine) + wrapped(what) + [""]
    lines +=
      wholeTable(style).map { $0.text(style).map { "  " + $0 } } ?? [
        "  \(matrix.cpus.count) CPUs: too many to print here; see the files."
      ]
    lines += ["", "  By relation"] + byRelation.text(style).map { "  " + $0 }
    let failures = matrix.pairs.filter { $0.failure != nil }
    if !failures.isEmpty { lines += ["", "  Failed"] }
    lines += failures.map { "  \($0.producerCPU), \($0.consumerCPU): \($0.failure ?? "")" }
    lines += [""]
    lines += wrapped(
      "Medians of \(matrix.trials) trials of \(Units.describe(nanoseconds: matrix.trialNanoseconds)) each, a fresh pair "
        + "of processes for every one; both ways round are the same pair. n is pairs; the interval is from the lowest to "
        + "the highest of them.")
    return lines.joined(separator: "\n")
  }

  /// Nil where no terminal is so wide.
  private func wholeTable(_ style: TextStyle) -> Table? {
    // Four digits and a gap for each, and what stands before them.
    guard 10 + 6 * matrix.cpus.count <= style.width else { return nil }
    let columns = [Table.Column("CPU", .left)] + matrix.cpus.map { Table.Column("\($0.id)") }
    let rows = matrix.cpus.map { row in
      [Table.Cell("\(row.id)")]
        + matrix.cpus.map { column in
          let median = matrix.pair(row.id, column.id)?.median
          return Table.Cell(median.map { "\(Int($0.rounded()))" } ?? (row.id == column.id ? "·" : "–"))
        }
    }
    return Table("", columns: columns, rows: rows, notes: [])
  }

  private var byRelation: Table {
    let relations = placements.compactMap { placement -> [Table.Cell]? in
      let medians = matrix.pairs.filter { $0.placement == placement }.compactMap(\.median)
      guard let least = medians.min(), let most = medians.max() else { return nil }
      return [
        placement, "\(medians.count)", Quantity.time(nanoseconds: Statistics.median(medians) ?? least),
        Quantity.time(nanoseconds: least), Quantity.time(nanoseconds: most),
      ].map { Table.Cell($0) }
    }
    return Table(
      "",
      columns: [
        Table.Column("relation", .left), Table.Column("n"), Table.Column("median"), Table.Column("lowest"),
        Table.Column("highest"),
      ], rows: relations, notes: [])
  }

  /// The fastest first.
  private var placements: [String] {
    let fastest = Dictionary(grouping: matrix.pairs, by: \.placement).mapValues {
      $0.compactMap(\.median).min() ?? .infinity
    }
    return fastest.keys.sorted { (fastest[$0] ?? 0, $0) < (fastest[$1] ?? 0, $1) }
  }

  // MARK: Files

  /// A row for each trial of each pair.
  public var csv: String {
    let head = [
      "schema_version", "host_id", "mechanism", "metric", "unit", "wait", "message_bytes", "placement",
      "producer_cpu", "consumer_cpu", "producer_node", "consumer_node", "trial", "value", "reason",
    ]
    let rows = matrix.pairs.flatMap { pair in
      let fixed = [
        "1", environment.host.hostID, matrix.mechanism, matrix.metric, "ns", matrix.wait,
        matrix.messageBytes.map(String.init) ?? "", pair.placement, "\(pair.producerCPU)",
        "\(pair.consumerCPU)", node(pair.producerCPU), node(pair.consumerCPU),
      ]
      let measured = pair.values.enumerated().map {
        fixed + ["\($0.offset)", shortestDecimal($0.element), ""]
      }
      return measured + (pair.failure.map { [fixed + ["", "", $0]] } ?? [])
    }
    return ([head] + rows).map(CSV.line).joined()
  }

  private func node(_ cpu: Int) -> String {
    matrix.cpus.first { $0.id == cpu }.map { "\($0.node)" } ?? ""
  }

  /// What gnuplot draws: a line for each cell, both halves; CPUs by their place in the list.
  public var plotData: String {
    var lines = ["# column row nanoseconds"]
    for (row, first) in matrix.cpus.enumerated() {
      for (column, second) in matrix.cpus.enumerated() {
        let median = matrix.pair(first.id, second.id)?.median
        lines.append("\(column) \(row) \(median.map { shortestDecimal($0) } ?? "NaN")")
      }
    }
    return lines.joined(separator: "\n")
  }

  /// What gnuplot must be told beside the data.
  public var plotFacts: String {
    let values = matrix.pairs.compactMap(\.median)
    return """
      cpu_count = \(matrix.cpus.count)
      array cpus[\(matrix.cpus.count)] = [\(matrix.cpus.map { "\($0.id)" }.joined(separator: ", "))]
      what = '\(title)'
      machine = '\((environment.cpu.model ?? "").replacing("'", with: ""))'
      trials = \(matrix.trials)
      lowest = \(shortestDecimal(values.min() ?? 0))
      highest = \(shortestDecimal(values.max() ?? 1))

      """
  }

  public var json: String {
    (try? ResultsJSON.encode(matrix, pretty: true)).map { String(decoding: $0, as: UTF8.self) } ?? ""
  }
}
