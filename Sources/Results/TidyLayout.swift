/// Where the columns of a `results.csv` are. They are found by name, columns that a later version added are
/// ignored, and those that a version added may be absent.
struct TidyLayout {
  let width: Int
  /// The columns that are the same in every row of a trial.
  let headPlaces: [Int]
  /// Name, unit and direction of the metric.
  let metricPlaces: [Int]
  let valuePlace: Int
  let reasonPlace: Int
  /// Whether a last row that lost its end is always told from a whole one.
  let tellsItsEnd: Bool
  private let places: [TidyRow.Column: Int]

  /// Reads the first record.
  ///
  /// - Throws: `malformed` when the file is empty or is no `results.csv`.
  static func header(of csv: inout CSVReader) throws(ResultsError) -> TidyLayout {
    let isEmpty: Bool
    do {
      isEmpty = try !csv.next()
    } catch {
      throw error.code == .malformed ? .foreign(csv.path, "its first line is not a header") : error
    }
    guard !isEmpty else {
      throw ResultsError(
        .malformed, path: csv.path,
        "\(csv.path) is empty: copy the file again from its run directory.")
    }
    return try TidyLayout(csv)
  }

  private init(_ csv: borrowing CSVReader) throws(ResultsError) {
    let names = (0..<csv.fieldCount).map { csv[$0].text }
    let known = Set(names).intersection(TidyRow.columns)
    guard !known.isEmpty else { throw .foreign(csv.path, "no column has a name it should have") }
    if known.isSuperset(of: ["run_id", "trials_ok"]) || names.contains("trials_ok") {
      throw .foreign(csv.path, "it is a summary.csv, which has no single trials")
    }
    var places: [TidyRow.Column: Int] = [:]
    var seen = Set<String>()
    for (place, name) in names.enumerated() {
      guard seen.insert(name).inserted else {
        throw csv.malformed("it has the column '\(name.excerpt)' twice")
      }
      if let column = TidyRow.Column(rawValue: name) { places[column] = place }
    }
    for column in TidyRow.Column.allCases where places[column] == nil && !column.isAdded {
      if csv.isUnterminated { throw csv.malformed("") }
      throw ResultsError(
        .malformed, path: csv.path,
        "\(csv.path) lacks the column \(column.rawValue): take the results.csv as ipcbench wrote it, "
          + "with all its columns.")
    }
    self.init(
      places, lastColumn: names.last.flatMap(TidyRow.Column.init(rawValue:)), width: names.count)
  }

  private init(_ places: [TidyRow.Column: Int], lastColumn: TidyRow.Column?, width: Int) {
    self.places = places
    self.width = width
    headPlaces = TidyRow.Column.allCases.filter { !$0.isOfMetric }.compactMap { places[$0] }
    metricPlaces = [.metric, .unit, .better].compactMap { places[$0] }
    (valuePlace, reasonPlace) = (places[.value]!, places[.reason]!)
    // What stands in a column that is not read cannot be read wrongly.
    tellsItsEnd = lastColumn?.tellsItsEnd ?? true
  }
}

// MARK: Rows

extension TidyLayout {
  func head(_ csv: borrowing CSVReader) throws(ResultsError) -> TrialGatherer.Head {
    TrialGatherer.Head(
      origin: TrialTable.Origin(
        schemaVersion: try number(.schemaVersion, csv), runID: text(.runID, csv),
        sessionID: text(.sessionID, csv), hostID: text(.hostID, csv),
        environmentHash: text(.environmentHash, csv),
        gitCommit: text(.gitCommit, csv)),
      identity: CaseIdentity(
        mechanism: text(.mechanism, csv), variant: text(.variant, csv),
        pattern: text(.pattern, csv), wait: text(.wait, csv),
        placement: text(.placement, csv),
        attach: text(.attach, csv), scope: text(.scope, csv),
        producers: try number(.producers, csv),
        consumers: try number(.consumers, csv), messageBytes: try number(.messageBytes, csv),
        rateTargetPerSecond: try optional(.rateTarget, csv) { $0.finiteNumber },
        touch: places[.touch] == nil ? "all" : text(.touch, csv)),
      trial: TrialTable.Trial(
        origin: 0, caseIndex: 0, trial: try number(.trial, csv),
        attempt: places[.attempt] == nil ? 0 : try number(.attempt, csv),
        pairIndex: try optional(.pairIndex, csv) { $0.integer },
        orderInSession: try number(.orderInSession, csv),
        status: try required(.status, csv) { Status(rawValue: $0.text) },
        probesAgree: places[.probesAgree] == nil
          ? true : try required(.probesAgree, csv) { Bool($0.text) }))
  }

  /// Nil in the one row of a trial without metrics.
  func metric(_ csv: borrowing CSVReader) throws(ResultsError) -> TrialTable.Metric? {
    let name = text(.metric, csv)
    guard !name.isEmpty else {
      for column in [TidyRow.Column.unit, .better] where !field(column, csv).isEmpty {
        throw csv.malformed("a \(column.rawValue) without a metric")
      }
      return nil
    }
    return TrialTable.Metric(
      name: name, unit: text(.unit, csv),
      better: try required(.better, csv) { Direction(rawValue: $0.text) })
  }

  func samples(_ csv: borrowing CSVReader) throws(ResultsError) -> Int? {
    try optional(.samples, csv) { $0.integer }
  }

  private func field(_ column: TidyRow.Column, _ csv: borrowing CSVReader) -> UnsafeRawBufferPointer {
    csv[places[column]!]
  }

  private func text(_ column: TidyRow.Column, _ csv: borrowing CSVReader) -> String {
    field(column, csv).text
  }

  private func number(_ column: TidyRow.Column, _ csv: borrowing CSVReader) throws(ResultsError)
    -> Int
  {
    try required(column, csv) { $0.integer }
  }

  private func optional<Value>(
    _ column: TidyRow.Column, _ csv: borrowing CSVReader,
    _ convert: (UnsafeRawBufferPointer) -> Value?
  ) throws(ResultsError) -> Value? {
    field(column, csv).isEmpty ? nil : try required(column, csv, convert)
  }

  private func required<Value>(
    _ column: TidyRow.Column, _ csv: borrowing CSVReader,
    _ convert: (UnsafeRawBufferPointer) -> Value?
  ) throws(ResultsError) -> Value {
    let field = field(column, csv)
    guard let value = convert(field) else {
      throw csv.malformed("\(column.rawValue) is '\(field.text.excerpt)'")
    }
    return value
  }
}
