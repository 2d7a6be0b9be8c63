import Foundation

extension TidyRow {
  /// Reads a `results.csv`, from this machine or mailed from another one. Columns are found by name, and columns
  /// that a later version added are ignored.
  ///
  /// - Throws: `missing`, `unreadable`, `malformed` or `newerVersion`, with the line where there is one.
  public static func read(_ path: String) throws(ResultsError) -> [TidyRow] {
    try parse(try Files.read(path), path: path)
  }

  /// - Parameter path: named in errors.
  static func parse(_ data: Data, path: String) throws(ResultsError) -> [TidyRow] {
    let records: [CSV.Record]
    do {
      records = try CSV.parse(data)
    } catch {
      throw malformed(path, error.line, error.text)
    }
    guard let header = records.first else {
      throw ResultsError(
        .malformed, path: path, "\(path) is empty: copy the file again from its run directory.")
    }
    let columns = try indices(header.fields, path)
    var rows: [TidyRow] = []
    rows.reserveCapacity(records.count)
    for record in records.dropFirst() {
      do {
        let reader = try FieldReader(
          columns: columns, record: record, width: header.fields.count, path: path)
        rows.append(try TidyRow(reader))
      } catch {
        guard record == records.last, data.last != UInt8(ascii: "\n") else { throw error }
        throw malformed(path, record.line, "the file ends inside this line")
      }
    }
    return rows
  }

  private static func indices(_ header: [String], _ path: String) throws(ResultsError) -> [String: Int] {
    let indices = Dictionary(zip(header, header.indices), uniquingKeysWith: { first, _ in first })
    let absent = requiredColumns.filter { indices[$0] == nil }
    guard let first = absent.first else { return indices }
    guard absent.count < requiredColumns.count else {
      throw ResultsError(
        .malformed, path: path,
        "\(path) is not an ipcbench results.csv (no column has a name it should have): "
          + "take the results.csv of a run directory.")
    }
    throw ResultsError(
      .malformed, path: path,
      "\(path) lacks the column \(first): take the results.csv as ipcbench wrote it, with all its columns.")
  }

  static func malformed(_ path: String, _ line: Int, _ text: String) -> ResultsError {
    ResultsError(
      .malformed, path: path,
      "Line \(line) of \(path) is not what ipcbench writes (\(text)): "
        + "copy the file again from its run directory.")
  }

  private init(_ reader: FieldReader) throws(ResultsError) {
    schemaVersion = try reader.version()
    runID = reader.text("run_id")
    sessionID = reader.text("session_id")
    hostID = reader.text("host_id")
    environmentHash = reader.text("environment_hash")
    gitCommit = reader.text("git_commit")
    identity = CaseIdentity(
      mechanism: reader.text("mechanism"), variant: reader.text("variant"), pattern: reader.text("pattern"),
      wait: reader.text("wait"), placement: reader.text("placement"), attach: reader.text("attach"),
      scope: reader.text("scope"), producers: try reader.required("producers", Int.init),
      consumers: try reader.required("consumers", Int.init),
      messageBytes: try reader.required("message_bytes", Int.init),
      rateTargetPerSecond: try reader.optional("rate_target_per_s", finite),
      touch: try reader.added("touch") { $0 } ?? "all")
    trial = try reader.required("trial", Int.init)
    pairIndex = try reader.optional("pair_index", Int.init)
    orderInSession = try reader.required("order_in_session", Int.init)
    metric = reader.text("metric")
    value = try reader.optional("value", finite)
    unit = reader.text("unit")
    better = try reader.optional("better", Direction.init)
    samples = try reader.optional("samples", Int.init)
    status = try reader.required("status", Status.init)
    reason = reader.text("reason")
    attempt = try reader.added("attempt", Int.init) ?? 0
    probesAgree = try reader.added("probes_agree", Bool.init) ?? true
  }
}

private func finite(_ text: String) -> Double? { Double(text).flatMap { $0.isFinite ? $0 : nil } }

/// One record of the file, its fields by the names of their columns.
private struct FieldReader {
  let columns: [String: Int]
  let record: CSV.Record
  let path: String

  init(columns: [String: Int], record: CSV.Record, width: Int, path: String) throws(ResultsError) {
    self.columns = columns
    self.record = record
    self.path = path
    guard record.fields.count == width else {
      throw TidyRow.malformed(
        path, record.line, "\(record.fields.count) fields under \(width) columns")
    }
  }

  func text(_ column: String) -> String { columns[column].map { record.fields[$0] } ?? "" }

  func version() throws(ResultsError) -> Int {
    let version = try required("schema_version", Int.init)
    guard version > TrialRecord.currentSchemaVersion else { return version }
    throw ResultsError.newer(
      version, current: TrialRecord.currentSchemaVersion, place: "line \(record.line) of \(path)", path: path)
  }

  /// Nil when the file has no such column, as one that was written before the column was added.
  func added<Value>(_ column: String, _ convert: (String) -> Value?) throws(ResultsError) -> Value? {
    columns[column] == nil ? nil : try required(column, convert)
  }

  /// Nil when the field is empty.
  func optional<Value>(
    _ column: String, _ convert: (String) -> Value?
  ) throws(ResultsError) -> Value? {
    text(column).isEmpty ? nil : try required(column, convert)
  }

  func required<Value>(_ column: String, _ convert: (String) -> Value?) throws(ResultsError) -> Value {
    guard let value = convert(text(column)) else {
      throw TidyRow.malformed(path, record.line, "\(column) is '\(text(column))'")
    }
    return value
  }
}
