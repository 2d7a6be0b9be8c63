import FuzzSupport
import Glibc

/// The whole files that are damaged: small, because every case reads one.
struct Seeds {
  /// Rows of a real run, a few of them at a time.
  private let header: [UInt8]
  private let rows: [[UInt8]]
  /// What a damaged file is compared with.
  let baseline: [UInt8]

  /// Cut out of a real run; see `Fixture` in Tests/ResultsTests.
  static let path = #filePath.replacing("ResultsFuzzer/Seeds.swift", with: "ResultsTests/Fixtures/run.csv")

  init() {
    let lines = Self.read(Self.path).split(separator: UInt8(ascii: "\n")).map { Array($0) + [10] }
    header = lines[0]
    rows = Array(lines.dropFirst())
    baseline = ["pipe", "udp"].reduce(lines[0]) { text, mechanism in
      (0..<7).reduce(text) { $0 + Self.row($1, mechanism) }
    }
  }

  /// A part of the run, or trials of two cases that are many enough to be judged.
  func text(_ generator: inout Generator) -> [UInt8] {
    if generator.oneIn(4) { return baseline }
    var text = header
    for row in rows[generator.below(rows.count)...].prefix(1 + generator.below(8)) { text += row }
    return text
  }

  private static func row(_ trial: Int, _ mechanism: String) -> [UInt8] {
    let order = mechanism == "pipe" ? trial : 100 + trial
    return Array(
      ("1,20261121T101754Z-041596,20261121T101754Z-4bd243,1659b26c506ebce9,624c8c8f5dd08261,8a08caf,\(mechanism),,"
        + "round-trip,block,same-l3,inherit,host,1,1,64,,\(trial),\(trial),\(order),latency_rtt_p50,"
        + "\(4_000 + 37 * trial),ns,lower,5000,ok,,all,0,true\r\n").utf8)
  }

  private static func read(_ path: String) -> [UInt8] {
    let descriptor = open(path, O_RDONLY | O_CLOEXEC)
    precondition(descriptor >= 0, "\(path) cannot be opened")
    defer { close(descriptor) }
    var bytes = [UInt8](repeating: 0, count: 1 << 20)
    let count = Glibc.read(descriptor, &bytes, bytes.count)
    precondition(count > 0 && count < bytes.count, "\(path) is not the small file it should be")
    return Array(bytes[..<count])
  }
}
