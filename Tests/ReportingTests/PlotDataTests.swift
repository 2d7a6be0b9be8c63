import Foundation
import Results
import Testing

@testable import Reporting

@Suite("Plot data")
struct PlotDataTests {
  private func files(_ change: (inout MadeUpRun) -> Void = { _ in }) -> [String: String] {
    var made = MadeUpRun()
    made.samples = 2000
    change(&made)
    return Dictionary(
      uniqueKeysWithValues: PlotData.files(made.make(), ownCost: "null").map { ($0.name, $0.text) })
  }

  private func blocks(_ table: String) -> [[[Substring]]] {
    table.components(separatedBy: "\n\n\n").map { block in
      block.split(separator: "\n").map { $0.split(separator: "\t") }
    }
  }

  @Test("every plot has a table and a description")
  func everyPlotHasTwoFiles() {
    let files = files()
    for (name, _, _) in Plot.known {
      #expect(files["\(name).tsv"] != nil)
      #expect(files["\(name).gp"] != nil)
    }
  }

  @Test("the map of the machine's CPUs is drawn where there is one, and is empty where there is none")
  func theMapOfTheCPUs() {
    var made = MadeUpRun()
    made.samples = 500
    let run = made.make()
    let cpus = (0..<2).map { CoreMatrix.CPU(id: $0, core: $0, socket: 0, node: 0, lastLevelCache: 0) }
    var matrix = CoreMatrix(run.environment, cpus: cpus, trials: 3, trialNanoseconds: 20_000_000, seed: 1)
    var pair = CoreMatrix.Pair(0, 1, "same-l3")
    (pair.values, pair.median) = ([99, 100, 101], 100)
    matrix.pairs = [pair]
    func text(_ name: String, _ matrix: CoreMatrix?) -> String? {
      PlotData.files(run, matrix).first { $0.name == name }?.text
    }
    #expect(text("core-to-core.gp", matrix)?.contains("cpu_count = 2\n") == true)
    #expect(text("core-to-core.tsv", matrix)?.contains("100") == true)
    #expect(text("core-to-core.gp", nil) == "cpu_count = 0\n" && text("core-to-core.tsv", nil) == "")
  }

  @Test("waits of which a picture has but single points leave it, and it has four panels at most")
  func panelsAreFew() throws {
    let files = files {
      $0.waits = ["spin", "yield", "spin-then-block", "block", "poll", "epoll"]
      $0.mechanisms = $0.mechanisms.map { mechanism in
        var mechanism = mechanism
        mechanism.waits += ["poll", "epoll"]
        mechanism.roundTrip.merge(["poll": 12_000, "epoll": 12_000]) { $1 }
        return mechanism
      }
    }
    for name in ["latency-over-size", "percentile-spectrum"] {
      #expect(try #require(files["\(name).gp"]).contains("panel_count = 4\n"), "\(name)")
    }
  }

  @Test(
    "a block per series: its name, a header, and one row per size with the extreme trials around the median")
  func oneBlockPerSeries() throws {
    let files = files()
    let blocks = blocks(try #require(files["latency-over-size.tsv"]))
    #expect(blocks.count == 21)
    #expect(blocks[0][0] == ["# fifo block"])
    #expect(blocks[0][1] == ["bytes", "fifo block", "minimum", "maximum"])
    #expect(blocks[0].dropFirst(2).map { String($0[0]) } == ["8", "64", "4096", "65536", "1048576"])
    for row in blocks.flatMap({ $0.dropFirst(2) }) {
      let numbers = row.compactMap { Double($0) }
      #expect(numbers.count == 4 && numbers[2] <= numbers[1] && numbers[1] <= numbers[3])
    }
    #expect(blocks.last?[0] == ["# null (the tool) spin"])
  }

  @Test("the description counts what the table holds, and gives the variants of a mechanism one colour")
  func theDescriptionFitsTheTable() throws {
    let description = try #require(files()["goodput-over-size.gp"])
    #expect(description.contains("series_count = 21\npanel_count = 2\nmechanism_count = 11\n"))
    #expect(description.contains("array panel_names[2] = ['spin', 'block']"))
    #expect(description.contains("array mechanism_colour[11] = [1, 2, 2, 2, 3, 4, 4, 4, 5, 6, 0]"))
  }

  @Test("the spectrum ends where the samples end")
  func theSpectrumEndsWithTheSamples() throws {
    let blocks = blocks(try #require(files()["percentile-spectrum.tsv"]))
    for block in blocks {
      let inverses = block.dropFirst(2).compactMap { Double($0[1]) }
      #expect(inverses == inverses.sorted())
      // 3 trials of 2,000 samples: ten samples lie beyond the last point, or more.
      #expect(try #require(inverses.last) <= 600)
    }
  }

  @Test("the load plot has the offered rates and the other percentiles beside the drawn one")
  func theLoadPlotHasRates() throws {
    let files = files { $0.loads = [50_000, 10_000] }
    let blocks = blocks(try #require(files["paced-latency-over-rate.tsv"]))
    #expect(blocks[0][1].suffix(3) == ["service_p50", "service_p99", "response_p50"])
    #expect(blocks[0].dropFirst(2).map { String($0[0]) } == ["10000", "50000"])
  }

  @Test("a run without a pattern says that there is nothing to draw")
  func nothingToDraw() {
    let files = files { $0.sizes = [] }
    #expect(files["latency-over-size.tsv"] == "")
    #expect(files["latency-over-size.gp"] == "series_count = 0\n")
  }

  @Test("names that gnuplot would act on are only text")
  func namesAreText() {
    #expect(gnuplotString("it's `date` \"x\"\n") == "'it''s `date` \"x\" '")
  }

  @Test("files are written where they were asked for, and a place that cannot be written is named")
  func filesAreWritten() throws {
    let directory = FileManager.default.temporaryDirectory.appendingPathComponent(
      "data-\(UUID().uuidString)/deep")
    defer { try? FileManager.default.removeItem(at: directory.deletingLastPathComponent()) }
    var made = MadeUpRun()
    made.samples = 50
    let run = made.make()
    try PlotData.write(run, to: directory.path)
    #expect(FileManager.default.fileExists(atPath: directory.path + "/latency-over-size.tsv"))
    let error = #expect(throws: ResultsError.self) { try PlotData.write(run, to: "/dev/null/plots") }
    #expect(error?.code == .notWritable && error?.message.contains("/dev/null/plots") == true)
  }
}
