import Foundation
import Glibc

/// `trials.jsonl`: the write-ahead record of a run, one line a trial.
///
/// - A record is one line, appended in one write, and handed to the kernel when `append` returns.
/// - The file only ever holds whole records: what a failed write left is cut off again, and what a killed
///   process left is cut off before the next record is appended.
struct TrialLog: Sendable {
  let path: String
  var write: Files.Write = Files.systemWrite

  /// Makes an empty file.
  func create() throws(ResultsError) {
    let descriptor = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o644)
    guard descriptor >= 0 else { throw Files.writeError(path, errno) }
    close(descriptor)
  }

  /// - Parameter synchronise: also waits until the record is on the device, which can take tens of
  ///   milliseconds.
  func append(_ record: TrialRecord, synchronise: Bool) throws(ResultsError) {
    var line = try ResultsJSON.encode(record.withoutUnwritableNumbers)
    line.append(UInt8(ascii: "\n"))
    // Opened for every record, so that nothing is kept open across the forks of the trials in between.
    let descriptor = open(path, O_RDWR | O_APPEND | O_CLOEXEC)
    guard descriptor >= 0 else { throw Files.writeError(path, errno) }
    defer { close(descriptor) }
    // Two sessions that append to one run must not cut off each other's records.
    while flock(descriptor, LOCK_EX) != 0 && errno == EINTR {}
    let whole = try cutIncompleteRecord(descriptor)
    var failure = Files.writeAll(descriptor, line, write)
    if failure == 0 && synchronise && fdatasync(descriptor) != 0 { failure = errno }
    guard failure != 0 else { return }
    let kept = ftruncate(descriptor, whole) == 0 ? "; the trials before it are kept" : ""
    throw Files.writeError(path, failure, kept: kept)
  }

  /// Makes the file end with its last whole record.
  ///
  /// - Returns: the length of the file in bytes.
  private func cutIncompleteRecord(_ descriptor: Int32) throws(ResultsError) -> off_t {
    let length = lseek(descriptor, 0, SEEK_END)
    guard length >= 0 else { throw Files.writeError(path, errno) }
    var end = length
    var buffer = [UInt8](repeating: 0, count: 65_536)
    search: while end > 0 {
      let start = max(0, end - off_t(buffer.count))
      let count = pread(descriptor, &buffer, Int(end - start), start)
      guard count == Int(end - start) else { throw Files.readError(path, count < 0 ? errno : EIO) }
      for index in stride(from: count - 1, through: 0, by: -1) where buffer[index] == UInt8(ascii: "\n") {
        end = start + off_t(index) + 1
        break search
      }
      end = start
    }
    if end < length && ftruncate(descriptor, end) != 0 { throw Files.writeError(path, errno) }
    return end
  }

  /// The records, and a sentence about a last one that was cut short.
  func load() throws(ResultsError) -> (trials: [TrialRecord], warnings: [String]) {
    let descriptor = try Files.open(path)
    defer { close(descriptor) }
    var window = ByteWindow(descriptor: descriptor, path: path)
    var trials: [TrialRecord] = []
    while let line = try window.line(trials.count + 1, longest: Self.longestRecord) {
      trials.append(try decode(Data(line), line: trials.count + 1))
    }
    guard !window.unread.isEmpty else { return (trials, []) }
    return (
      trials,
      [
        "The last record of \(path) is cut short, as by a crash, and is left out: "
          + "'--resume' measures that trial again."
      ]
    )
  }

  /// Histograms with every bucket in use come to a few MiB.
  private static let longestRecord = 64 << 20

  private func decode(_ line: Data, line number: Int) throws(ResultsError) -> TrialRecord {
    let record: TrialRecord
    if let read = TrialRecord(apart: line) {
      record = read
    } else {
      record = try ResultsJSON.decode(
        TrialRecord.self, from: line, path: path, line: number,
        currentVersion: TrialRecord.currentSchemaVersion)
    }
    for histogram in record.histograms {
      guard let defect = histogram.defect else { continue }
      throw ResultsError(
        .malformed, path: path,
        "Line \(number) of \(path) is not what ipcbench writes (\(histogram.name): \(defect)): "
          + "restore the file from a copy, or measure again.")
    }
    return record
  }
}

extension TrialRecord {
  /// JSON has no word for infinity or not-a-number. A measure that is neither is kept without its value and
  /// with the reason, so that one odd number does not cost the trial.
  var withoutUnwritableNumbers: TrialRecord {
    var record = self
    if !durationSeconds.isFinite { record.durationSeconds = 0 }
    for (index, measure) in measures.enumerated() {
      guard let value = measure.value, !value.isFinite else { continue }
      record.measures[index].value = nil
      record.measures[index].reason = measure.reason ?? "the value is not a finite number (\(value))"
    }
    return record
  }
}

extension StoredHistogram {
  /// What makes it impossible; nil for a histogram that can be merged.
  var defect: String? {
    if values.count != counts.count { return "\(values.count) values and \(counts.count) counts" }
    if zip(values, values.dropFirst()).contains(where: { $0 >= $1 }) { return "values not ascending" }
    if let last = values.last, max(last, maximum) > MergedHistogram.largestValue { return "values too large" }
    if !values.isEmpty && minimum > maximum { return "minimum above maximum" }
    var total: UInt64 = 0
    for count in counts {
      let (sum, overflow) = total.addingReportingOverflow(count)
      if overflow || sum > MergedHistogram.largestValue { return "counts too large" }
      total = sum
    }
    return sum.isFinite ? nil : "sum not finite"
  }
}
