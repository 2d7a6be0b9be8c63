import Comparing
import Foundation
import Results
import Testing

@testable import Reporting

@Suite("Reports of a comparison")
struct ComparisonTests {
  private func lines(_ comparison: Comparison, width: Int = 80, all: Bool = false) -> [String] {
    textReport(comparison, style: TextStyle(width: width), showsAll: all).components(separatedBy: "\n")
  }

  private func section(_ heading: String, of lines: [String]) -> [String] {
    Array(lines.drop { !$0.hasPrefix(heading) }.dropFirst().prefix { $0.isEmpty || $0.hasPrefix(" ") })
  }

  @Test func theFirstLineIsTheKindAndTheSidesFollow() throws {
    let lines = lines(try MadeUpComparison.paired())
    #expect(lines[0] == "Paired comparison: the same machine and session, trials measured in pairs.")
    #expect(lines[1] == "  A  results/before: 24 cases, 384 trials, commit 0123456789ab")
    #expect(lines[2] == "  B  results/after: 24 cases, 384 trials, commit 0123456789ab")
    #expect(lines[3] == "  All cases: block, same-l3, inherit, host.")
  }

  @Test func slowerComesFirstWithItsFiguresAndTheSummaryLast() throws {
    let lines = lines(try MadeUpComparison.paired())
    let slower = section("Slower: ", of: lines)
    #expect(slower.contains("  RTT p50 (latency_rtt_p50, lower is better), 16 pairs"))
    let latencies = slower.drop { !$0.hasPrefix("  RTT p50") }
    let row = try #require(
      latencies.first { $0.contains("pipe 64 B") }?.split(separator: " ").map(String.init))
    // Mechanism and size, both medians, ratio, interval, Cliff's δ and p.
    #expect(row.count == 11 && row[4] == "µs" && row[9] == "+1.00" && row[10] == "0.0015")
    #expect(Double(row[3]).map { abs($0 - 5.03) < 0.05 } == true)
    #expect(Double(row[7]).map { abs($0 - 1.3) < 0.01 } == true)
    let headings = lines.filter { $0.first?.isUppercase == true }
    #expect(
      headings.map { $0.prefix { $0 != ":" } }.dropFirst() == ["Slower", "Faster", "Equivalent", "Summary"])
    let summary = section("Summary", of: lines)
    #expect(summary[1].contains("slower  faster  equivalent  inconclusive  ratio  99 % interval"))
    #expect(summary.filter { $0.contains("0.") || $0.contains("1.") }.count == 3)
  }

  @Test func whatIsEquivalentIsCountedAndListedWhenAskedFor() throws {
    let comparison = try MadeUpComparison.paired()
    let brief = lines(comparison)
    #expect(section("Equivalent: ", of: brief).first == "  within ±5 %; --all lists them")
    #expect(!brief.contains { $0.contains("  tcp 64 B") })
    #expect(lines(comparison, all: true).contains { $0.contains("  tcp 64 B") })
  }

  @Test("every line fits", arguments: [80, 100, 132])
  func everyLineFits(width: Int) throws {
    var noisy = MadeUpComparison()
    noisy.noise = 0.4
    for comparison in [
      try MadeUpComparison.paired(), try MadeUpComparison.machines(),
      try MadeUpComparison.compare([noisy.set, noisy.other()]),
      try MadeUpComparison.compare([noisy.set, noisy.set]),
    ] {
      for all in [false, true] {
        let long = lines(comparison, width: width, all: all).filter { $0.count > width }
        #expect(long.isEmpty, "\(long.first ?? "")")
      }
    }
  }

  @Test func inconclusiveResultsSayWhyAndWhatWouldHelp() throws {
    var few = MadeUpComparison()
    few.trials = 3
    let first = section("Inconclusive: ", of: lines(try MadeUpComparison.compare([few.set, few.other()])))
    #expect(
      first.joined(separator: " ").split(separator: " ").joined(separator: " ")
        .hasPrefix("48 have fewer than 6 usable trials a side: measure with --trials 12 or more."))
    var eight = MadeUpComparison()
    eight.trials = 7
    eight.noise = 0.3
    let second = section(
      "Inconclusive: ", of: lines(try MadeUpComparison.compare([eight.set, eight.other()]))
    )
    .joined(separator: " ").split(separator: " ").joined(separator: " ")
    #expect(second.contains("none could have shown among so many results"))
    #expect(second.contains("measure with --trials 8 or more, or choose fewer cases"))
  }

  @Test func theNoiseFloorIsABannerBeforeAnyNumber() throws {
    let side = MadeUpComparison()
    let text = textReport(try MadeUpComparison.compare([side.set, side.other()]))
    let banner = try #require(
      text.range(of: "! Sessions of one machine differ although nothing has changed."))
    let words = text.split(whereSeparator: \.isWhitespace).joined(separator: " ")
    #expect(words.contains("no side holds several sessions of the same commit"))
    #expect(
      words.contains(
        "19 to 22 % was measured for kernel mechanisms at p50, so 20 % is assumed (--noise-floor"))
    #expect(banner.lowerBound < text.range(of: "Equivalent")!.lowerBound)
    #expect(!textReport(try MadeUpComparison.paired()).contains("! Sessions"))
  }

  @Test func betweenMachinesNothingIsSlowerOrFaster() throws {
    let text = textReport(try MadeUpComparison.machines(), showsAll: true)
    #expect(
      text.hasPrefix("Cross-machine comparison: no absolute number is judged, only what carries over.\n"))
    for word in ["slower", "faster", "Slower", "Faster", "equivalent", "inconclusive"] {
      #expect(!text.contains(word), "\(word)")
    }
    for heading in [
      "What differs between the machines", "The machines", "What carries over: ratios to pipe",
      "Rankings of the mechanisms", "Crossovers", "Summary",
    ] {
      #expect(text.contains("\n\(heading)\n"), "\(heading)")
    }
    #expect(text.contains("For orientation; nothing is divided by these figures."))
    // The tool itself is context, and ranked with nobody.
    #expect(text.contains("round trip around nothing"))
    let rankings = section("Rankings", of: text.components(separatedBy: "\n"))
    #expect(rankings.contains { $0.contains(" 3  ") } && !rankings.contains { $0.contains("null") })
  }

  @Test func crossoversSayFromWhichSizeOn() throws {
    let rows = section("Crossovers", of: lines(try MadeUpComparison.machines()))
    let row = try #require(rows.first { $0.contains("shared-memory:posix") && $0.contains("round-trip") })
    // 250 + 0.8 b and 5000 + 0.5 b meet between 4 and 64 KiB; where a byte costs 0.2 ns they never do.
    #expect(row.contains("up to 2") && row.contains("KiB") && row.hasSuffix("always"))
  }

  @Test func severalSidesAreNamedInTheFirstLineAndHaveTheirOwnParts() throws {
    let baseline = MadeUpComparison()
    let comparison = try MadeUpComparison.compare([
      baseline.set, baseline.other(),
      baseline.other { ($0.label, $0.letter, $0.host) = ("results/far", "c", "far") },
    ])
    let lines = lines(comparison)
    #expect(lines[0] == "Compared with A: B unpaired, C cross-machine.")
    #expect(lines.contains("A and B: Unpaired comparison: the same machine, trials not measured together."))
    #expect(lines.contains { $0.hasPrefix("A and C: Cross-machine comparison: ") })
    #expect(lines.count { $0 == "Summary" } == 2)
  }

  @Test func differencesOfTheEnvironmentAreListedLongOnesBelow() throws {
    var before = MadeUpRun.environment
    before.kernel.commandLine = "quiet mitigations=auto,nosmt console=ttyS0,115200n8"
    var after = before
    after.cpu.governor = "powersave"
    after.kernel.commandLine = "quiet mitigations=off isolcpus=managed_irq,domain,2-15"
    var baseline = MadeUpComparison()
    baseline.environment = before
    let lines = lines(
      try MadeUpComparison.compare([baseline.set, baseline.other { $0.environment = after }]))
    let section = section("What differs between the sides", of: lines)
    #expect(section.contains { $0.split(separator: " ") == ["governor", "not", "known", "powersave"] })
    #expect(section.joined(separator: " ").contains("kernel parameters: A mitigations=auto,nosmt"))
  }

  @Test func failuresAreListedByReasonWithTheirMechanisms() throws {
    let baseline = MadeUpComparison()
    let comparison = try MadeUpComparison.compare([
      baseline.set,
      baseline.other { side in
        side.edit = { record in
          guard record.identity.mechanism == "tcp" else { return }
          (record.status, record.reason) = (.failed, "The consumer died.")
        }
      },
    ])
    let section = section("Not compared: 6 cases", of: lines(comparison))
    #expect(section.first == "  6 cases (tcp): failed on the candidate's side: The consumer died.")
  }

  @Test func markdownHasEveryResultAndFoldsLongTables() throws {
    let text = markdownReport(try MadeUpComparison.paired())
    #expect(
      text.hasPrefix(
        "**Paired comparison: the same machine and session, trials measured in pairs.**\n\n- A: "))
    for word in ["## Slower: ", "## Equivalent: ", "## Summary", "| tcp 64 B |", "| :-- | --: |"] {
      #expect(text.contains(word), "\(word)")
    }
    #expect(!text.contains("--all"))
  }
}

@Suite("Files of a comparison")
struct ComparisonFileTests {
  private func object(_ comparison: Comparison) throws -> [String: Any] {
    let value = try JSONSerialization.jsonObject(with: Data(jsonText(comparison).utf8))
    return try #require(value as? [String: Any])
  }

  private func results(_ comparison: Comparison) throws -> [[String: Any]] {
    let pairs = try #require(try object(comparison)["comparisons"] as? [[String: Any]])
    return try #require(pairs[0]["results"] as? [[String: Any]])
  }

  @Test func jsonHasPlainNumbersUnderSnakeCaseNames() throws {
    let result = try #require(
      try results(try MadeUpComparison.paired()).first { $0["metric"] as? String == "latency_rtt_p50" })
    #expect(
      Set(result.keys).isSuperset(of: [
        "case", "p_value", "p_adjusted", "cliffs_delta", "verdict", "is_exact",
      ]))
    let ratio = try #require(result["ratio"] as? [String: Double])
    #expect(ratio["estimate"].map { $0 > 0.5 && $0 < 1.5 } == true && ratio["confidence"] == 0.99)
    #expect((result["baseline"] as? [String: Any])?["trials_without_partner"] as? Int == 0)
  }

  @Test func whatIsNotFiniteIsNullAndWhatHasNoMeaningIsAbsent() throws {
    var few = MadeUpComparison()
    few.trials = 2
    let result = try #require(try results(try MadeUpComparison.compare([few.set, few.other()])).first)
    let ratio = try #require(result["ratio"] as? [String: Any])
    #expect(ratio["lower"] is NSNull && ratio["upper"] is NSNull && ratio["estimate"] is Double)
    #expect(result["minimum_detectable_effect"] is NSNull && result["cause"] as? String == "too-few-trials")
    let far = try #require(try results(try MadeUpComparison.machines()).first)
    for key in ["verdict", "p_value", "minimum_detectable_effect", "noise_floor"] {
      #expect(far[key] == nil, "\(key)")
    }
  }

  @Test("the rows of a file may stand in any order", arguments: 1...5 as ClosedRange<UInt64>)
  func shuffledRowsGiveTheSameBytes(seed: UInt64) throws {
    var numbers = SplitMix(state: seed)
    var side = MadeUpComparison()
    side.trials = 4
    side.edit = { if $0.orderInSession % 17 == 0 { ($0.status, $0.reason) = (.failed, "No, \"really\".") } }
    func read(_ records: [TrialRecord], shuffled: Bool) throws -> ResultsSet {
      var lines = ResultsCSV.tidy(records).split(separator: "\r\n").map(String.init)
      if shuffled { lines[1...].shuffle(using: &numbers) }
      let table = try TrialTable.parse(
        Array((lines.joined(separator: "\r\n") + "\r\n").utf8), path: "made-up.csv")
      return ResultsSet(label: "side", table: table)
    }
    var other = side
    (other.letter, other.session, other.factor) = ("b", "two", 1.4)
    for far in [false, true] {
      other.host = far ? "elsewhere" : "host"
      let reports = try [false, true].map { shuffled in
        let comparison = try MadeUpComparison.compare([
          try read(side.records, shuffled: shuffled), try read(other.records, shuffled: shuffled),
        ])
        return [
          jsonText(comparison), csvText(comparison), textReport(comparison, showsAll: true),
          markdownReport(comparison),
        ]
      }
      #expect(reports[0] == reports[1])
    }
  }

  @Test("values at the ends of what a double holds end in every report", arguments: [true, false])
  func extremeValuesAreReported(isFar: Bool) throws {
    var side = MadeUpComparison()
    side.trials = 8
    func extreme(_ values: [Double]) -> (inout TrialRecord) -> Void {
      { record in
        for index in record.measures.indices where record.measures[index].better != .none {
          record.measures[index].value = values[(index + record.trial) % values.count]
        }
      }
    }
    side.edit = extreme([.leastNonzeroMagnitude, 1e-300])
    let many = ResultsSet(
      label: "many",
      table: TrialTable(
        side.records
          + Array("cd").flatMap { letter -> [TrialRecord] in
            var other = side
            (other.letter, other.session) = (letter, String(letter))
            other.edit = letter == "c" ? extreme([1.7e308]) : side.edit
            return other.records
          }))
    let comparison = try MadeUpComparison.compare([
      many,
      side.other {
        $0.edit = extreme([1.7e308, 1e300, 4])
        if isFar { $0.host = "elsewhere" }
      },
    ])
    #expect(!comparison.comparisons[0].cases.isEmpty)
    _ = try object(comparison)
    for text in [
      textReport(comparison, showsAll: true), textReport(comparison), markdownReport(comparison),
      csvText(comparison),
    ] {
      #expect(!text.contains("nan") && !text.contains("inf"))
    }
  }

  @Test func csvHasOneRowPerCaseMetricAndSide() throws {
    let comparison = try MadeUpComparison.paired()
    let rows = csvText(comparison).components(separatedBy: "\r\n").dropLast().map {
      $0.components(separatedBy: ",")
    }
    #expect(rows[0] == comparisonColumns)
    #expect(rows.allSatisfy { $0.count == comparisonColumns.count })
    #expect(rows.count == 1 + 2 * comparison.comparisons[0].cases.count)
    let role = try #require(comparisonColumns.firstIndex(of: "role"))
    #expect(
      rows.dropFirst().map { $0[role] }.prefix(4) == ["baseline", "candidate", "baseline", "candidate"])
    let verdict = try #require(comparisonColumns.firstIndex(of: "verdict"))
    #expect(rows[1][verdict].isEmpty && ["slower", "faster", "equivalent"].contains(rows[2][verdict]))
  }
}

@Suite("Names and numbers in a comparison")
struct ComparisonWordsTests {
  private func identity(
    _ mechanism: String, bytes: Int = 64, wait: String = "block", attach: String = "inherit",
    touch: String = "all",
    pattern: String = "round-trip"
  ) -> CaseIdentity {
    CaseIdentity(
      mechanism: mechanism, variant: "", pattern: pattern, wait: wait, placement: "same-l3", attach: attach,
      messageBytes: bytes, touch: touch)
  }

  private func labels(_ cases: [CaseIdentity], without said: Set<CaseLabels.Part> = []) -> [String] {
    cases.map(CaseLabels(cases, among: cases, without: said).label)
  }

  @Test func aCaseIsCalledByWhatTellsItFromOthers() {
    #expect(labels([identity("pipe"), identity("tcp")]) == ["pipe", "tcp"])
    #expect(labels([identity("pipe"), identity("pipe", bytes: 4096)]) == ["pipe 64 B", "pipe 4 KiB"])
    #expect(labels([identity("pipe"), identity("tcp", wait: "spin")]) == ["pipe block", "tcp spin"])
    #expect(labels([identity("pipe"), identity("tcp", wait: "spin")], without: [.wait]) == ["pipe", "tcp"])
  }

  @Test func howItIsAttachedIsSaidOnlyOfAMechanismThatIsAttachedInTwoWays() {
    #expect(
      labels([identity("pipe"), identity("futex"), identity("futex", attach: "name")])
        == ["pipe", "futex inherit", "futex name"])
    #expect(labels([identity("pipe"), identity("fifo", attach: "name")]) == ["pipe", "fifo"])
  }

  @Test func headersOnlyAreMarkedWhereverTheyStand() {
    #expect(labels([identity("pipe", touch: "header")]) == ["pipe header only"])
  }

  @Test func whatAllHaveInCommonIsSaidOnce() {
    #expect(
      CaseLabels.common([identity("pipe"), identity("tcp", bytes: 8)])
        == "round-trip, block, same-l3, inherit, host")
  }

  @Test func ratiosShowAChangeOfOnePerMilleNearOne() {
    #expect(
      [0.9994, 1.0004, 1.25, 9.9996, 12.34, 1234.5, 0.0412, 0.00034, 0].map(Quantity.ratio) == [
        "0.999", "1.000", "1.250", "10.0", "12.3", "1,235", "0.0412", "0.000340", "0",
      ])
  }

  @Test func metricsHaveNamesForPeople() {
    let names = [
      "latency_rtt_p50", "latency_response_p99_9", "cpu", "cpu_consumer",
      "context_switches_voluntary_producer",
    ]
    #expect(
      names.map { ComparedMetric(name: $0, unit: "", better: .lower).title } == [
        "RTT p50", "response p99.9", "CPU/msg", "consumer CPU", "context switches voluntary producer",
      ])
  }
}
