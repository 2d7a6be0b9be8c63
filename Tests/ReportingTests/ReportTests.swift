import Foundation
import Results
import Testing

@testable import Reporting

@Suite("Reports")
struct ReportTests {
  private func run(seed: UInt64 = 1, _ change: (inout MadeUpRun) -> Void = { $0.samples = 2000 }) -> Run {
    var made = MadeUpRun(seed: seed)
    change(&made)
    return made.make()
  }

  private static func lines(_ text: String) -> [Substring] {
    text.split(separator: "\n", omittingEmptySubsequences: false)
  }

  @Test("no line of the text is longer than asked for, with any set of wait strategies")
  func linesFit() {
    let run = run { made in
      made.samples = 500
      made.waits = ["spin", "yield", "block", "spin-then-block"]
      made.sizes = [8, 64, 256, 1024, 4096, 16384, 65536, 1 << 20]
      made.loads = [10_000, 50_000, 100_000]
    }
    for width in [80, 100] {
      let long = Self.lines(textReport(run, width: width)).filter { $0.count > width }
      #expect(long.isEmpty)
    }
  }

  @Test("a mechanism that is always between hosts is named where others are not, in all three forms")
  func whatIsBetweenHostsIsNamed() {
    let local = run()
    var mixed = local
    for index in mixed.trials.indices where mixed.trials[index].identity.mechanism == "tcp" {
      mixed.trials[index].identity.scope = "network"
    }
    var remote = local
    for index in remote.trials.indices { remote.trials[index].identity.scope = "network" }
    let claim = "but tcp: there"
    for form in [{ textReport($0, width: 200) }, { markdownReport($0) }, { htmlReport($0) }]
      as [(Run) -> String]
    {
      #expect(form(mixed).contains(claim))
      #expect(!form(local).contains("network namespaces") && !form(remote).contains("network namespaces"))
    }
  }

  @Test("the fastest mechanism comes first and the tool itself last, in every table")
  func theFastestComesFirst() throws {
    let view = RunView(run(), ownCost: "null")
    for table in view.sections.flatMap({ $0.brief + $0.full }) where !table.isFolded {
      #expect(table.rows.last?[0].text == "null (the tool)")
    }
    let medians = try #require(view.sections.first?.brief.first)
    #expect(
      medians.rows[0][0].text.hasPrefix("shared-memory") || medians.rows[0][0].text.hasPrefix("mapped-file"))
    #expect(medians.rows.dropLast().last?[0].text == "tcp")
    let rates = try #require(view.sections.first { $0.title == "Stream" }?.full.first)
    #expect(rates.rows.dropLast().last.map { [$0[0].text, $0[1].text] } == ["tcp", "block"])
  }

  @Test("series that lack the smallest size are judged where they can be compared")
  func seriesThatLackASizeAreStillOrdered() throws {
    var run = run { made in
      made.samples = 500
      made.sizes = [8, 64]
      made.waits = ["spin", "block"]
    }
    run.trials.removeAll { $0.identity.wait == "spin" && $0.identity.messageBytes == 8 }
    let medians = try #require(RunView(run, ownCost: "null").sections.first?.brief.first)
    #expect(medians.rows[0][1].text == "spin")
  }

  @Test("a percentile with too few samples is a dash with a footnote, never a number")
  func tooFewSamplesAreRefused() throws {
    let view = RunView(run { $0.samples = 900 }, ownCost: "null")
    let tail = try #require(view.sections.first?.brief.last)
    let column = try #require(tail.columns.firstIndex { $0.title == "p99.9" })
    #expect(tail.rows.allSatisfy { $0[column].text == Quantity.refused })
    #expect(tail.notes == ["– p99.9 needs 10,000 samples."])
    let p99 = try #require(tail.columns.firstIndex { $0.title == "p99" })
    #expect(tail.rows.allSatisfy { $0[p99].text != Quantity.refused })
  }

  @Test("failed and skipped cases are named with their reasons in all three forms")
  func failuresAreNamed() {
    var run = run()
    run.trials[0].status = .failed
    run.trials[0].reason = "the consumer died <early>"
    let identity = CaseIdentity(
      mechanism: "clipboard", variant: "", pattern: "round-trip", wait: "block", placement: "same-l3",
      attach: "name",
      messageBytes: 64)
    run.trials.append(
      TrialRecord(
        runID: "r", sessionID: "s", hostID: "h", environmentHash: "e", gitCommit: "", identity: identity,
        trial: 0,
        orderInSession: 999, status: .skipped, reason: "it needs an X server: install xvfb", startedAt: ""))
    let forms = [textReport(run), markdownReport(run), htmlReport(run)].map {
      $0.replacing("\n    ", with: " ")
    }
    for form in forms {
      #expect(form.contains("it needs an X server: install xvfb"))
      #expect(form.contains("1 case failed; the reasons are listed below."))
      #expect(form.contains("clipboard"))
    }
    #expect(forms[0].contains("the consumer died <early>"))
    #expect(forms[2].contains("the consumer died &lt;early&gt;"))
    #expect(forms[0].contains("!"))
  }

  @Test("what makes the numbers doubtful is said before the first of them")
  func doubtsComeFirst() throws {
    var run = run()
    run.environment.toolchain.configuration = "debug"
    run.environment.isolation.quotaCPUs = 1
    for index in run.trials.indices { run.trials[index].identity.placement = "unpinned" }
    for index in 0..<7 { run.trials[index].probesAgree = false }
    run.trials[0].measures.append(Measure("steal", 4_000_000, unit: "ns", better: .none))
    run.plan.order += [PlannedTrial(identity: run.plan.order[0].identity, trial: 99)]
    let warnings = RunView(run, ownCost: "null").warnings
    for words in [
      "without optimisation", "may use 1 CPUs", "not pinned", "The machine changed under 7 trials of 693",
      "(steal)",
      "virtual machine", "--resume",
    ] {
      #expect(warnings.contains { $0.contains(words) }, "\(words) is missing from \(warnings)")
    }
    let text = textReport(run)
    let doubt = try #require(text.range(of: "! "))
    let number = try #require(text.range(of: "Median (p50)"))
    #expect(doubt.lowerBound < number.lowerBound)
  }

  @Test("a steady run on bare metal has nothing to be warned of")
  func aSteadyRunHasNoWarnings() {
    var run = run()
    run.environment.virtualisation = Environment.Virtualisation()
    #expect(RunView(run, ownCost: "null").warnings == [])
  }

  @Test("the text ends with the files it is told of")
  func theTextNamesTheFiles() {
    #expect(
      textReport(run(), files: ["results/x/report.html", "results/x/results.csv"])
        .hasSuffix("\n  results/x/report.html\n  results/x/results.csv\n"))
  }

  @Test("an offered load that was not reached is said below the table")
  func anUnreachedLoadIsSaid() {
    var run = run()
    for index in run.trials.indices where run.trials[index].identity.mechanism == "tcp" {
      for measure in run.trials[index].measures.indices
      where run.trials[index].measures[measure].metric == "achieved_rate" {
        run.trials[index].measures[measure].value = 8700
      }
    }
    #expect(
      markdownReport(run).contains("The offered load was not reached by tcp block (87 %), tcp spin (87 %)."))
  }

  @Test("a case attached in another way is a row of its own, and says so")
  func otherWaysAreRowsOfTheirOwn() {
    var run = run()
    let pipes = run.trials.filter { $0.identity.mechanism == "fifo" && $0.identity.messageBytes == 64 }
    for var trial in pipes {
      trial.identity.attach = "name"
      run.trials.append(trial)
    }
    let labels = RunView(run, ownCost: "null").series("round-trip").map(\.label)
    #expect(
      labels.filter { $0.hasPrefix("fifo") }.sorted() == [
        "fifo, inherit", "fifo, inherit", "fifo, name", "fifo, name",
      ])
    #expect(labels.contains("pipe"))
  }

  @Test("patterns that differ in more than size have sections of their own, with a title that says how")
  func variantsHaveSectionsOfTheirOwn() {
    var run = run()
    for index in run.trials.indices where run.trials[index].identity.pattern == "stream" {
      run.trials[index].identity.pattern = "stream:header"
      run.trials[index].identity.touch = "header"
    }
    for index in run.trials.indices where run.trials[index].identity.pattern == "paced" {
      run.trials[index].identity.pattern = "paced-poisson"
    }
    let view = RunView(run, ownCost: "null")
    #expect(
      view.sections.map(\.title) == ["Round trip", "Stream, header only", "Paced, one way, Poisson arrivals"])
    #expect(view.warnings.contains { $0.contains("only the header") })
  }

  @Test("a run without a single measured case is still a report")
  func nothingMeasured() {
    var run = run()
    run.trials = []
    #expect(
      textReport(run).contains("trials of 693 are missing") || textReport(run).contains("693 trials of 693"))
    #expect(htmlReport(run).contains("</html>"))
    #expect(markdownReport(run).contains("IPC benchmark"))
  }

  @Test("the command that repeats the run has its seed, and survives a shell")
  func theCommandIsRepeatable() {
    var run = run()
    run.plan.command = ["ipcbench", "run", "--out", "my results/it's"]
    run.plan.seed = 42
    #expect(run.plan.reproducingCommand == "ipcbench run --out 'my results/it'\\''s' --seed 42")
    run.plan.command = ["ipcbench", "run", "--seed=7"]
    #expect(run.plan.reproducingCommand == "ipcbench run --seed=7")
  }

  @Test("JSON is valid, has plain numbers, and every case")
  func jsonIsPlain() throws {
    let run = run()
    let object = try JSONSerialization.jsonObject(with: Data(jsonText(run).utf8)) as? [String: Any]
    let cases = try #require(object?["cases"] as? [[String: Any]])
    #expect(cases.count == run.summaries.count)
    let metrics = try #require(cases[0]["metrics"] as? [[String: Any]])
    #expect(metrics.allSatisfy { $0["unit"] is String && ($0["median"] == nil || $0["median"] is Double) })
  }

  @Test("CSV is the tidy table of the trials")
  func csvIsTidy() {
    let lines = csvText(run()).split(whereSeparator: \.isNewline)
    #expect(
      lines[0].hasPrefix("schema_version,run_id,session_id,host_id,environment_hash,git_commit,mechanism"))
  }
}
