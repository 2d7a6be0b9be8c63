import Foundation
import Results

/// The data files that the gnuplot sources in `plots/` draw.
///
/// Each plot has two: `NAME.tsv` with one block per series (tab-separated, blocks two blank lines apart,
/// each with a header line whose second or third column is the series' name), and `NAME.gp` with what
/// gnuplot has to know beside the numbers. Numbers are plain: nanoseconds, bytes, per second.
public enum PlotData {
  /// Writes the files of every plot into a directory, which is created when it is not there.
  ///
  /// A plot for which the run has no data gets its files too; they then say that there are no series.
  public static func write(
    _ run: Run, to directory: String, ownCost: String = "", matrix: CoreMatrix? = nil
  ) throws(ResultsError) {
    do {
      try FileManager.default.createDirectory(atPath: directory, withIntermediateDirectories: true)
    } catch {
      throw notWritable(directory, error)
    }
    for file in files(run, ownCost: ownCost, matrix) {
      let path = "\(directory)/\(file.name)"
      do {
        try Data(file.text.utf8).write(to: URL(fileURLWithPath: path), options: .atomic)
      } catch {
        throw notWritable(path, error)
      }
    }
  }

  /// The files as they would be written.
  static func files(_ run: Run, ownCost: String = "", _ matrix: CoreMatrix? = nil) -> [(
    name: String, text: String
  )] {
    let view = RunView(run, ownCost: ownCost)
    let drawings = [
      view.overSize("latency-over-size", "round-trip", .medianRoundTrip),
      view.overSize("message-rate-over-size", "stream", .messageRate),
      view.overSize("goodput-over-size", "stream", .goodput),
      view.spectrum, view.overLoad, view.overGap, view.overBatch, view.overCPU, view.strips,
    ].map(\.withRoomForItsPanels)
    let drawn = Set(drawings.flatMap { $0.lines.map(\.series.identity.id) })
    let styles = PlotStyles(view, drawn: drawn)
    let ofCores = matrix.map { MatrixReport($0, run.environment) }
    return drawings.flatMap { drawing in
      [("\(drawing.name).tsv", drawing.table), ("\(drawing.name).gp", drawing.description(styles, view))]
    } + [
      ("core-to-core.tsv", ofCores?.plotData ?? ""),
      ("core-to-core.gp", ofCores?.plotFacts ?? "cpu_count = 0\n"),
    ]
  }

  private static func notWritable(_ path: String, _ error: any Error) -> ResultsError {
    ResultsError(
      .notWritable, path: path,
      "\(path) cannot be written (\(error.localizedDescription)); choose another directory.")
  }
}

/// A plot before it is written down.
struct Drawing {
  struct Line {
    var series: Series
    /// The values of its rows, in the order of the columns.
    var rows: [[Double]]
  }

  var name: String
  /// Which columns are drawn.
  var x: Int
  var y: Int
  /// Names of the columns; the drawn one is replaced by the name of the series.
  var columns: [String]
  var lines: [Line]
  /// Mechanisms that the tables have and this picture has no room for.
  var leftOut = 0
  /// More to say in the description: gnuplot assignments.
  var facts: [String] = []
  /// Places on the x axis of a panel that have a meaning of their own.
  var marks: [Mark] = []
  /// Points of the lines that stand out.
  var points: [Line] = []

  struct Mark {
    var wait: String
    var x: Double
    var text: String
  }

  private static let roomForPanels = 4

  /// Without the panels in which there are but single points where others have lines, and of the rest those with the most
  /// lines. The tables have them all.
  var withRoomForItsPanels: Drawing {
    let panels = Dictionary(grouping: lines, by: \.series.identity.wait)
    let withLines = panels.filter { $0.value.contains { $0.rows.count > 1 } }
    let drawn = withLines.isEmpty ? panels : withLines
    let waits = PlotStyles.ordered(Set(drawn.keys)).enumerated().sorted {
      let (first, second) = (drawn[$0.element]?.count ?? 0, drawn[$1.element]?.count ?? 0)
      return (-first, $0.offset) < (-second, $1.offset)
    }.prefix(Self.roomForPanels).map(\.element)
    var fitting = self
    fitting.lines.removeAll { !waits.contains($0.series.identity.wait) }
    fitting.points.removeAll { !waits.contains($0.series.identity.wait) }
    fitting.marks.removeAll { !waits.contains($0.wait) }
    return fitting
  }

  /// One block for each line, then one for each line that has points which stand out.
  var table: String {
    (lines + points).map { line in
      var header = columns
      header[y] = line.series.name
      let rows = line.rows.map { $0.map { $0.isNaN ? "NaN" : shortestDecimal($0) }.joined(separator: "\t") }
      return (["# \(line.series.name)", header.joined(separator: "\t")] + rows).joined(separator: "\n") + "\n"
    }.joined(separator: "\n\n")
  }

  /// The gnuplot file beside the table.
  func description(_ styles: PlotStyles, _ view: RunView) -> String {
    let rows = lines.flatMap(\.rows)
    // The bars have to fit too.
    let heights = [y, columns.firstIndex(of: "minimum"), columns.firstIndex(of: "maximum")].compactMap { $0 }
    guard let lowestX = rows.map({ $0[x] }).min(), let highestX = rows.map({ $0[x] }).max(),
      let lowestY = rows.flatMap({ row in heights.map { row[$0] } }).min(),
      let highestY = rows.flatMap({ row in heights.map { row[$0] } }).max()
    else { return "series_count = 0\n" }
    let mechanisms = styles.mechanisms.filter { mechanism in
      lines.contains { $0.series.identity.id == mechanism.id }
    }
    let panels = PlotStyles.ordered(Set(lines.map(\.series.identity.wait)))
    let index = { (items: [String], item: String) in "\((items.firstIndex(of: item) ?? 0) + 1)" }
    let assignments = [
      "machine = \(gnuplotString(styles.machine(view, leftOut: leftOut)))",
      "series_count = \(lines.count)", "panel_count = \(panels.count)",
      "mechanism_count = \(mechanisms.count)",
      array("panel_names", panels.map(gnuplotString)),
      array("mechanism_names", mechanisms.map { gnuplotString($0.label) }),
      array("mechanism_colour", mechanisms.map { "\($0.colour)" }),
      array("mechanism_shape", mechanisms.map { "\($0.shape)" }),
      array("series_mechanism", lines.map { index(mechanisms.map(\.id), $0.series.identity.id) }),
      array("series_panel", lines.map { index(panels, $0.series.identity.wait) }),
      "mark_count = \(marks.count)", "point_count = \(points.count)",
      array("mark_panel", marks.map { index(panels, $0.wait) }), array("mark_x", marks.map { "\($0.x)" }),
      array("mark_text", marks.map { gnuplotString($0.text) }),
      array("point_panel", points.map { index(panels, $0.series.identity.wait) }),
      "lowest_x = \(lowestX)", "highest_x = \(highestX)", "lowest_y = \(lowestY)", "highest_y = \(highestY)",
    ]
    return (assignments + facts).joined(separator: "\n") + "\n"
  }

  private func array(_ name: String, _ values: [String]) -> String {
    // gnuplot knows no array without elements.
    values.isEmpty
      ? "array \(name)[1]" : "array \(name)[\(values.count)] = [\(values.joined(separator: ", "))]"
  }
}

/// A string as gnuplot reads it: in single quotes nothing but the quote itself means anything.
func gnuplotString(_ text: String) -> String {
  "'" + String(text.map { $0.isNewline ? " " : $0 }).replacing("'", with: "''") + "'"
}

/// Which colour and shape each mechanism has, the same in every plot of a run.
struct PlotStyles {
  struct Mechanism {
    var id: String
    var label: String
    /// From 1, shared by a mechanism's variants; 0 for the tool itself.
    var colour: Int
    /// From 1, its own.
    var shape: Int
  }

  var mechanisms: [Mechanism]

  init(_ view: RunView, drawn: Set<String>) {
    let cases = view.measured.filter { drawn.contains($0.identity.id) }
    let identities = Dictionary(cases.map { ($0.identity.id, $0.identity) }) { first, _ in first }
    let others = identities.keys.filter { $0 != view.ownCostMechanism }.sorted()
    var names: [String] = []
    mechanisms = others.enumerated().map { index, id in
      let name = identities[id]?.mechanism ?? id
      if !names.contains(name) { names.append(name) }
      return Mechanism(id: id, label: id, colour: (names.firstIndex(of: name) ?? 0) + 1, shape: index + 1)
    }
    if let own = identities[view.ownCostMechanism]?.id {
      mechanisms.append(Mechanism(id: own, label: "\(own) (the tool)", colour: 0, shape: 1))
    }
  }

  /// Wait strategies from the most to the least eager.
  static func ordered(_ waits: Set<String>) -> [String] {
    let usual = ["spin", "yield", "spin-then-block", "block", "poll", "epoll", "io-uring"]
    return usual.filter(waits.contains) + waits.subtracting(usual).sorted()
  }

  /// What stands below every heading: which machine, how its CPUs lie to each other, and how many trials.
  func machine(_ view: RunView, leftOut: Int) -> String {
    let kernel = view.run.environment.kernel.release.map { ", Linux \($0)" } ?? ""
    let more = leftOut > 0 ? "; \(leftOut) more in the tables" : ""
    let placement = view.run.commonPlacement.map { "; \($0)" } ?? ""
    let trials = "\(placement); \(counted(view.run.plan.rounds, "trial"))\(more)"
    let room = 104 - trials.count
    let machine = view.run.environment.machine
    if machine.count + kernel.count <= room { return machine + kernel + trials }
    return (machine.count <= room ? machine : machine.prefix(room - 1) + "…") + trials
  }
}
