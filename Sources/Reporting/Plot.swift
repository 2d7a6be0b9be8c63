import Foundation

/// A picture of a report: SVG, and what is said about it.
public struct Plot: Sendable {
  /// `latency-over-size`: the name of its gnuplot source and of its file.
  public var name: String
  public var title: String
  /// One or two sentences below the picture.
  public var caption: String
  /// The SVG document.
  public var svg: String
  /// Where the file lies; Markdown links to it.
  public var path: String

  public init(name: String, title: String, caption: String, svg: String, path: String) {
    self.name = name
    self.title = title
    self.caption = caption
    self.svg = svg
    self.path = path
  }

  /// The pictures in a directory, in the order of the report. An absent or empty file is a plot for which
  /// the run has no data.
  public static func load(from directory: String) -> [Plot] {
    known.compactMap { name, title, caption in
      let path = "\(directory)/\(name).svg"
      guard let data = FileManager.default.contents(atPath: path), !data.isEmpty else { return nil }
      return Plot(
        name: name, title: title, caption: caption, svg: String(decoding: data, as: UTF8.self), path: path)
    }
  }

  private static let axes = "Both axes are logarithmic; one panel per wait strategy."

  static let known = [
    (
      "latency-over-size", "Round trip over message size",
      "Median of all samples; the bars reach from the lowest to the highest trial. A dotted line stands where another "
        + "mechanism, named beside it, begins to lead, of those measured at every size. \(axes)"
    ),
    (
      "percentile-spectrum", "Every percentile of a small round trip",
      "The further right, the rarer: 99 % means that one round trip in a hundred took longer. \(axes)"
    ),
    (
      "message-rate-over-size", "Message rate over message size",
      "Median trial; the bars reach from the lowest to the highest. \(axes)"
    ),
    (
      "goodput-over-size", "Goodput over message size",
      "Payload written, read and validated per second. Median trial; the bars reach from the lowest to the "
        + "highest. A dotted line stands where another mechanism begins to lead. \(axes)"
    ),
    (
      "paced-latency-over-rate", "One-way latency over offered load",
      "Response time, p99. Where a line turns up, the mechanism is about to be overloaded; a ring marks its knee, the highest "
        + "load that was carried before one that was not. \(axes)"
    ),
    (
      "batch-latency-and-rate", "Latency over message rate by batch",
      "A point for each batch size, the smallest where the line begins: what a batch gains in messages per second, to the "
        + "right, and what it costs in time until its last message has been read, up. The bars reach from the lowest to the "
        + "highest trial. \(axes)"
    ),
    (
      "wake-up-over-gap", "Wake-up over idle time",
      "Median of all samples, from the send to the receive; the bars reach from the lowest to the highest trial. "
        + "\(axes)"
    ),
    (
      "latency-over-cpu", "Round trip over CPU time",
      "A point for each way in which a mechanism waits, joined by a line from the most eager to the one that sleeps: the "
        + "further left, the less CPU time it costs both sides together; the lower, the sooner it is back. Median of all "
        + "samples; the bars reach from the lowest to the highest trial. Both axes are logarithmic."
    ),
    (
      "trial-strips", "Every trial, in the order in which they ran",
      "The median of a trial as a multiple of its case's: how far trials scatter, and, where all rise or fall together, "
        + "that the machine changed. The black line is the median of each round. One panel per wait strategy."
    ),
    (
      "core-to-core", "A cache line between every two CPUs",
      "How long a cache line takes to the other CPU and back, from the last 'ipcbench matrix' on this machine: what no "
        + "mechanism can be faster than. Median of the trials of a pair; the lighter, the nearer."
    ),
  ]

  /// The SVG element alone, with ids that no other picture on the page has.
  ///
  /// Every gnuplot picture defines `gpPt0` and `gnuplot_plot_1`; on one page they would be taken for each
  /// other.
  var inlined: String? {
    guard let start = svg.range(of: "<svg"), let end = svg.range(of: "</svg>", options: .backwards) else {
      return nil
    }
    var text = String(svg[start.lowerBound..<end.upperBound])
    for (mark, quote) in [("id=", "\""), ("id=", "'"), ("href=", "\"#"), ("href=", "'#"), ("url(", "#")] {
      text = text.replacing(mark + quote, with: "\(mark)\(quote)\(name)-")
    }
    // Nothing in a plot acts; whatever does was not drawn by our sources.
    let forbidden = ["<script", "<foreignobject", "javascript:", "onload="]
    let lowered = text.lowercased()
    return forbidden.contains(where: lowered.contains) ? nil : text
  }
}

/// A path as seen from another directory: `../../plots/a.svg`.
func relativePath(_ path: String, from directory: String) -> String {
  let target = URL(fileURLWithPath: path).standardizedFileURL.pathComponents
  let base = URL(fileURLWithPath: directory).standardizedFileURL.pathComponents
  let shared = zip(target, base).prefix { $0 == $1 }.count
  let parts = Array(repeating: "..", count: base.count - shared) + target.dropFirst(shared)
  return parts.joined(separator: "/")
}
