import Foundation

extension TrialTable {
  /// Reads a `results.csv`, from this machine or mailed from another one.
  ///
  /// - Throws: `missing`, `unreadable`, `malformed` or `newerVersion`, with the line where there is one.
  public static func read(_ path: String) throws(ResultsError) -> TrialTable {
    try parse(Array(try Files.read(path)), path: path)
  }

  /// - Parameter path: named in errors.
  public static func parse(_ bytes: [UInt8], path: String) throws(ResultsError) -> TrialTable {
    let rows = try TidyRow.parse(Data(bytes), path: path)
    struct Key: Hashable { var run: String, order: Int }
    var records: [TrialRecord] = []
    var known: [Key: Int] = [:]
    for row in rows {
      let key = Key(run: row.runID, order: row.orderInSession)
      let index = known[key] ?? records.count
      if index == records.count {
        known[key] = index
        records.append(
          TrialRecord(
            schemaVersion: row.schemaVersion, runID: row.runID, sessionID: row.sessionID, hostID: row.hostID,
            environmentHash: row.environmentHash, gitCommit: row.gitCommit, identity: row.identity,
            trial: row.trial, attempt: row.attempt, pairIndex: row.pairIndex,
            orderInSession: row.orderInSession, status: row.status, reason: row.reason, startedAt: "",
            probesAgree: row.probesAgree))
      }
      guard !row.metric.isEmpty else { continue }
      if row.value != nil { records[index].reason = row.reason }
      records[index].measures.append(
        Measure(row.metric, row.value, unit: row.unit, better: row.better ?? .none, samples: row.samples))
    }
    return TrialTable(records)
  }
}
