import Foundation
import Histogram
import Results

extension Export {
  /// HdrHistogram's log format, version 1.3: one tagged interval histogram per run, case and latency, in
  /// nanoseconds. The tag is the name of the case and the latency.
  static let hlog = Export(
    name: "hlog", summary: "HdrHistogram log, one tagged histogram per case",
    maker: .histograms { selection throws(ExportError) in
      Exported([Exported.File(name: "histograms.hlog", text: hlogText(selection))], notes: selection.notes)
    })

  private static func hlogText(_ selection: HistogramSelection) -> String {
    // Readers that look for a range of time stop at the first interval behind it.
    let entries = selection.entries.enumerated().sorted {
      ($0.element.startSecondsSinceEpoch ?? 0, $0.offset) < (
        $1.element.startSecondsSinceEpoch ?? 0, $1.offset
      )
    }.map(\.element)
    let start = entries.lazy.compactMap(\.startSecondsSinceEpoch).first ?? 0
    var text = "#[Logged with ipcbench; values are nanoseconds]\n#[Histogram log format version 1.3]\n"
    text += "#[StartTime: \(decimal(start, 3)) (seconds since epoch), "
    text += "\(Date(timeIntervalSince1970: start).formatted(.iso8601))]\n"
    text += "#[BaseTime: \(decimal(start, 3)) (seconds since epoch)]\n"
    text += #""StartTimestamp","Interval_Length","Interval_Max","Interval_Compressed_Histogram""# + "\n"
    for entry in entries {
      // By convention the largest value stands there in milliseconds.
      let fields = [
        "Tag=\(entry.identity.benchmarkName)/\(entry.name.escaped())",
        decimal((entry.startSecondsSinceEpoch ?? start) - start, 3), decimal(entry.durationSeconds, 3),
        decimal(Double(entry.histogram.maximum ?? 0) / 1e6, 6),
        HistogramWireFormat.text(entry.histogram.histogram),
      ]
      text += fields.joined(separator: ",") + "\n"
    }
    return text
  }

  /// With a fixed number of digits and never an exponent, which readers do not know here.
  private static func decimal(_ value: Double, _ digits: Int) -> String {
    String(format: "%.\(digits)f", value)
  }
}
