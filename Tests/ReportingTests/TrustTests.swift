import Results
import Testing

@testable import Reporting

@Suite("Trust")
struct TrustTests {
  private func run(trials: Int = 5, sizes: [Int] = [64]) -> Run {
    var made = MadeUpRun()
    made.trials = trials
    made.sizes = sizes
    made.samples = 500
    var run = made.make()
    run.environment.virtualisation = Environment.Virtualisation()
    run.environment.cpu.governor = "performance"
    return run
  }

  private func trust(_ run: Run) -> Trust { RunView(run, ownCost: "null").trust }

  @Test("a steady run of enough trials on bare metal is trusted, and says how far trials are apart")
  func high() throws {
    let trust = trust(run())
    #expect(trust.level == .high && trust.reasons.isEmpty, "\(trust.sentence)")
    let spread = try #require(trust.spread)
    #expect(spread.middle > 0 && spread.middle <= spread.most)
    #expect(trust.sentence.hasPrefix("Trust: high. The trials of a case are "))
  }

  @Test("each thing that spoils a run lowers it and is named")
  func reasons() {
    let changes: [(Trust.Level, String, (inout Run) -> Void)] = [
      (.none, "without optimisation", { $0.environment.toolchain.configuration = "debug" }),
      (.fair, "a virtual machine", { $0.environment.virtualisation.hypervisor = "kvm" }),
      (.fair, "follows the load", { $0.environment.cpu.governor = "schedutil" }),
      (
        .low, "not pinned",
        { run in for index in run.trials.indices { run.trials[index].identity.placement = "unpinned" } }
      ),
      (
        .low, "machine changed",
        { run in for index in run.trials.indices { run.trials[index].probesAgree = index % 2 == 0 } }
      ),
      (
        .fair, "stolen",
        { run in
          for index in run.trials.indices where index % 10 == 0 {
            run.trials[index].measures.append(Measure("steal", 1, unit: "ns", better: .none))
          }
        }
      ),
      (
        .fair, "quota",
        { $0.trials[0].measures.append(Measure("cpu_throttled", 1, unit: "ns", better: .none)) }
      ),
      (
        .fair, "too hot",
        { $0.trials[0].measures.append(Measure("thermal_throttles", 1, unit: "1", better: .none)) }
      ),
    ]
    for (level, words, change) in changes {
      var run = run()
      change(&run)
      let trust = trust(run)
      #expect(trust.level == level, "\(words): \(trust.sentence)")
      #expect(trust.sentence.contains(words), "\(trust.sentence)")
    }
  }

  @Test("one trial a case says nothing of the next")
  func oneTrial() {
    let trust = trust(run(trials: 1))
    #expect(trust.level == .low && trust.spread == nil)
    #expect(self.trust(run(trials: 3)).level == .fair)
  }

  @Test("it stands before the first number in every form")
  func comesFirst() throws {
    let run = run()
    let sentence = trust(run).sentence
    #expect(textReport(run, width: 1000).split(separator: "\n")[1].contains(sentence))
    #expect(htmlReport(run).contains("class=\"trust high\""))
    #expect(markdownReport(run).contains("**Trust: high."))
    #expect(jsonText(run).contains("\"level\" : \"high\""))
  }

  @Test("another mechanism leads where nobody does on both sides")
  func leadChanges() {
    let view = RunView(run(sizes: [8, 64, 4096, 65536, 1 << 20]), ownCost: "null")
    for wait in ["spin", "block"] {
      let (count, leaders) = view.leaders("round-trip", .medianRoundTrip, wait: wait)
      #expect(count > 5 && leaders.map(\.size) == [8, 64, 4096, 65536, 1 << 20])
      for change in view.leadChanges("round-trip", .medianRoundTrip, wait: wait) {
        let before = leaders.last { Double($0.size) < change.bytes }
        let after = leaders.first { Double($0.size) > change.bytes }
        #expect(after?.ids == change.leaders)
        let earlier = Set(before.map(\.ids) ?? [])
        #expect(earlier.isDisjoint(with: change.leaders))
      }
    }
    // A pipe adds more for each byte than a ring, and nothing crosses it.
    #expect(view.leadChanges("no-such-pattern", .medianRoundTrip, wait: "spin").isEmpty)
  }
}
