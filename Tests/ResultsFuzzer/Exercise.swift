import Comparing
import Results

/// What came of reading a damaged file.
enum Outcome: Equatable {
  /// Nothing was wrong with it that could be seen.
  case accepted
  case refused
  /// Neither, which is a defect of the reader; what is wrong, in a sentence.
  case wrong(String)
}

/// Reads files and looks at what comes of it.
struct Exercise {
  private let baseline: TrialTable

  init(_ seeds: Seeds) throws {
    baseline = try TrialTable.parse(seeds.baseline, path: "baseline.csv")
  }

  /// - Parameter isCompared: also compares what was read, which takes ten times as long.
  func read(_ bytes: [UInt8], isCompared: Bool) -> Outcome {
    do throws(ResultsError) {
      let table = try TrialTable.parse(bytes, path: "case.csv")
      if let defect = table.defect { return .wrong(defect) }
      return isCompared ? exercise(table) : .accepted
    } catch {
      return judge(error.message, names: "case.csv")
    }
  }

  /// Does with a table what a user could: everything that takes one belongs here.
  private func exercise(_ table: TrialTable) -> Outcome {
    for (first, second) in [(baseline, table), (table, table)] {
      let sides = [ResultsSet(label: "first", table: first), ResultsSet(label: "second", table: second)]
      do throws(ComparisonError) {
        _ = try Comparison(sides)
      } catch {
        if case .wrong(let text) = judge(error.description, names: "") { return .wrong(text) }
      }
    }
    return .accepted
  }

  /// Whether it is one sentence that names the file.
  func judge(_ message: String, names path: String) -> Outcome {
    // What it quotes of the file may hold anything printable.
    let own = message.split(separator: "'", omittingEmptySubsequences: false).enumerated()
      .filter { $0.offset % 2 == 0 }.map { String($0.element) }.joined()
    let defect: String? =
      if !path.isEmpty && !message.contains(path) {
        "does not name the file"
      } else if !message.hasSuffix(".") {
        "does not end as a sentence"
      } else if own.firstRange(of: #/\. [A-Z]/#) != nil {
        "is more than one sentence"
      } else if message.unicodeScalars.contains(where: { $0.properties.generalCategory == .control }) {
        "holds control characters"
      } else if message.count > 1_000 {
        "is too long"
      } else {
        nil
      }
    return defect.map { .wrong("A message \($0): \(message.prefix(500))") } ?? .refused
  }
}

extension TrialTable {
  /// What must hold of every table that was read, whatever the file.
  fileprivate var defect: String? {
    if trials.isEmpty { return "A table has no trials." }
    for trial in trials {
      guard origins.indices.contains(trial.origin), cases.indices.contains(trial.caseIndex),
        trial.values.allSatisfy({ metrics.indices.contains($0.metric) && $0.value.isFinite })
      else { return "A trial refers to what is not there, or has a value that is not finite: \(trial)." }
      let order = trial.values.map(\.metric)
      if zip(order, order.dropFirst()).contains(where: { $0 >= $1 }) {
        return "Values are out of order: \(trial)."
      }
    }
    if Set(metrics.map(\.name)).count < metrics.count { return "A metric is there twice." }
    return Set(finalTrials.map(\.orderInSession)).isEmpty ? "No trial counts." : nil
  }
}
