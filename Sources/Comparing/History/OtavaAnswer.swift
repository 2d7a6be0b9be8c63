import Foundation
import Results

/// What Apache Otava says of an input, from `otava analyze --output json`: a line of JSON for every test.
public struct OtavaAnswer: Sendable {
  /// Why an answer cannot be used: one sentence.
  public struct Misunderstood: Error, Sendable, Equatable, CustomStringConvertible {
    public var description: String
  }

  /// By the index of the series; empty for a series without change points.
  public private(set) var changes: [Int: [HistoryJudge.Found]] = [:]

  /// - Parameters:
  ///   - text: what was printed.
  ///   - input: what was asked.
  ///   - series: what the input was made of.
  /// - Throws: also when a test has no answer. Otava logs an error for it, goes on, and exits with 0.
  public init(_ text: String, to input: OtavaInput, series: [History.Series]) throws(Misunderstood) {
    let answers = try Self.groups(text)
    for test in input.tests {
      guard let groups = answers[test.name] else {
        throw Misunderstood(description: "Apache Otava gave no answer for \(test.fileName).")
      }
      let columns = Dictionary(uniqueKeysWithValues: test.series.map { (OtavaInput.column(series[$0]), $0) })
      for index in test.series { changes[index] = [] }
      for group in groups {
        for change in group.changes {
          guard let index = columns[change.metric], (1..<series[index].points.count).contains(change.index),
            series[index].points[change.index].runID == group.attributes["run"]
          else {
            throw Misunderstood(
              description: "Apache Otava named a change point that is not in \(test.fileName): "
                + "\(change.metric) at \(change.index).")
          }
          changes[index]?.append(HistoryJudge.Found(index: change.index, pValue: change.pvalue.value))
        }
      }
    }
  }

  private static func groups(_ text: String) throws(Misunderstood) -> [String: [Group]] {
    var all: [String: [Group]] = [:]
    for line in text.split(whereSeparator: \.isNewline) {
      do {
        all.merge(try JSONDecoder().decode([String: [Group]].self, from: Data(line.utf8))) { $0 + $1 }
      } catch {
        throw Misunderstood(
          description: "Apache Otava's answer is not the JSON that version 0.8 prints: '\(line.prefix(80))'.")
      }
    }
    return all
  }

  /// The change points of one run.
  private struct Group: Decodable {
    var attributes: [String: String]
    var changes: [Change]
  }

  private struct Change: Decodable {
    var metric: String
    /// Of the row, from 0.
    var index: Int
    var pvalue: Number
  }

  /// Version 0.8 prints numbers as text, rounded to six decimals.
  private struct Number: Decodable {
    var value: Double

    init(from decoder: any Decoder) throws {
      let container = try decoder.singleValueContainer()
      if let number = try? container.decode(Double.self) {
        value = number
      } else if let number = Double(try container.decode(String.self)) {
        value = number
      } else {
        throw DecodingError.dataCorruptedError(in: container, debugDescription: "not a number")
      }
    }
  }
}
