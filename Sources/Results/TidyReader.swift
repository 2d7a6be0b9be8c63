/// Makes a table of the rows of a `results.csv`.
///
/// Half a million rows have few different names and mostly repeat the row before, so a row costs a comparison
/// with that one and the conversion of its value. Everything else is converted once for each trial or metric.
struct TidyReader: ~Copyable {
  private var csv: CSVReader
  private let layout: TidyLayout
  private var gatherer: TrialGatherer
  /// What a trial's rows have in common, byte for byte, and the trial of each.
  private var heads = NameTable()
  private var trials: [Int] = []
  /// Name, unit and direction of a metric, and the metric of each.
  private var descriptions = NameTable()
  private var metrics: [Int?] = []
  private var reasons = NameTable()
  private var reasonTexts: [String] = []
  /// By trial.
  private var said: [Said?] = []

  /// The reason in a row, which is the metric's where there is one and else the trial's.
  private struct Said {
    /// Nil where the metrics of a trial without values have different ones.
    var number: Int?
    var line: Int
    var isOfTrial: Bool
  }

  /// - Throws: as `TrialTable.read(_:)`.
  static func table(_ csv: consuming CSVReader) throws(ResultsError) -> TrialTable {
    var reader = try TidyReader(csv)
    while try reader.csv.next() { try reader.takeRow() }
    return try reader.finish()
  }

  private init(_ csv: consuming CSVReader) throws(ResultsError) {
    layout = try TidyLayout.header(of: &csv)
    gatherer = TrialGatherer(path: csv.path)
    self.csv = csv
  }

  private mutating func takeRow() throws(ResultsError) {
    guard csv.fieldCount == layout.width else {
      throw csv.malformed("\(csv.fieldCount) fields under \(layout.width) columns")
    }
    if csv.isUnterminated && !layout.tellsItsEnd { throw csv.malformed("") }
    let trial = try trialOfRow()
    let metric = try metricOfRow()
    let value = try valueOfRow(metric)
    try takeReason(of: trial, isOfTrial: metric == nil || !value.isNaN)
    try gatherer.add(
      value, samples: try layout.samples(csv), metric: metric, to: trial, line: csv.line)
  }

  private mutating func trialOfRow() throws(ResultsError) -> Int {
    for place in layout.headPlaces { heads.append(csv[place]) }
    let (head, isNew) = heads.number()
    guard isNew else { return trials[head] }
    let trial = try gatherer.trial(try layout.head(csv), line: csv.line).index
    trials.append(trial)
    if trial == said.count { said.append(nil) }
    return trial
  }

  private mutating func metricOfRow() throws(ResultsError) -> Int? {
    for place in layout.metricPlaces { descriptions.append(csv[place]) }
    let (description, isNew) = descriptions.number()
    guard isNew else { return metrics[description] }
    var metric: Int?
    if let named = try layout.metric(csv) { metric = try gatherer.metric(named, line: csv.line) }
    metrics.append(metric)
    return metric
  }

  /// Not a number where it must not be given.
  private func valueOfRow(_ metric: Int?) throws(ResultsError) -> Double {
    let field = csv[layout.valuePlace]
    if field.isEmpty { return .nan }
    guard let value = field.finiteNumber else {
      throw csv.malformed("value is '\(field.text.excerpt)'")
    }
    guard metric != nil else { throw csv.malformed("a value without a metric") }
    return value
  }

  private mutating func takeReason(of trial: Int, isOfTrial: Bool) throws(ResultsError) {
    reasons.append(csv[layout.reasonPlace])
    let (number, isNew) = reasons.number()
    if isNew { reasonTexts.append(csv[layout.reasonPlace].text) }
    guard let known = said[trial], known.isOfTrial || !isOfTrial else {
      said[trial] = Said(number: number, line: csv.line, isOfTrial: isOfTrial)
      return
    }
    guard known.number != number else { return }
    if !known.isOfTrial {
      said[trial]?.number = nil
    } else if isOfTrial {
      let there = known.number.map { reasonTexts[$0].excerpt } ?? ""
      let text = "in the same trial, reason is '\(reasonTexts[number].excerpt)' here and '\(there)' there"
      throw .conflict(csv.line, with: known.line, of: csv.path, text)
    }
  }

  private consuming func finish() throws(ResultsError) -> TrialTable {
    for (trial, said) in said.enumerated() {
      if let number = said?.number { gatherer.setReason(reasonTexts[number], of: trial) }
    }
    return try gatherer.finish()
  }
}
