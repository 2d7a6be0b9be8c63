import Results
import Testing

@testable import Comparing

@Suite("Differences of the environment")
struct EnvironmentDifferenceTests {
  private func differences(_ change: (inout Environment) -> Void, hash: String = "other") throws -> [String] {
    var baseline = MadeUpSide()
    var before = Environment()
    before.kernel.release = "6.12"
    before.kernel.commandLine = "quiet mitigations=auto root=/dev/vda"
    before.cpu.governor = "performance"
    before.mitigations = ["spectre_v2": "Mitigation: IBRS"]
    before.load.oneMinute = 0.5
    baseline.environments = [baseline.environmentHash: before]
    var candidate = baseline.otherSide("b")
    candidate.environmentHash = hash
    var after = before
    change(&after)
    candidate.environments = [hash: after]
    return try compare([baseline.set(seed: 1), candidate.set(seed: 2)]).environmentDifferences.map {
      "\($0.fact): \($0.baseline ?? "?") -> \($0.candidate ?? "?")"
    }
  }

  @Test func everyFactThatDiffersIsListed() throws {
    #expect(
      try differences { environment in
        environment.kernel.release = "6.18"
        environment.cpu.governor = nil
        environment.mitigations["spectre_v2"] = "Vulnerable"
        environment.memory.transparentHugePages = "always"
        environment.toolchain.configuration = "debug"
      } == [
        "environment hash: hash -> other", "kernel: 6.12 -> 6.18", "governor: performance -> ?",
        "mitigation of spectre_v2: Mitigation: IBRS -> Vulnerable", "transparent huge pages: ? -> always",
        "configuration: ? -> debug",
      ])
  }

  @Test func settingsAreListedThoughTheHashIsTheSame() throws {
    #expect(
      try differences({ $0.cpu.governor = "powersave" }, hash: "hash") == [
        "governor: performance -> powersave"
      ])
  }

  @Test func whatEveryRunDiffersInIsNot() throws {
    #expect(try differences({ $0.load.oneMinute = 3 }, hash: "hash").isEmpty)
  }

  @Test func ofKernelParametersOnlyThoseThatDiffer() throws {
    #expect(
      try differences({ $0.kernel.commandLine = "root=/dev/vda quiet mitigations=off" }, hash: "hash")
        == ["kernel parameters: mitigations=auto -> mitigations=off"])
    #expect(
      try differences({ $0.kernel.commandLine = "root=/dev/vda mitigations=auto quiet" }, hash: "hash")
        .isEmpty)
  }

  @Test func aConsumerThatWasStartedByHandIsADifference() throws {
    let own = PeerMachine.ownConsumer
    let lab = PeerMachine(hostName: "lab2", hostID: "0123456789").consumer
    let pairs: [(Set<String>, Set<String>, [String])] = [
      ([own], [lab], ["consumers: started by the run -> by hand on lab2 (host 01234567)"]),
      ([lab], [lab], []), ([own], [own], []), ([], [own], []),
    ]
    for (before, after, expected) in pairs {
      var (baseline, candidate) = (MadeUpSide().set(seed: 1), MadeUpSide().otherSide("b").set(seed: 2))
      (baseline.consumers, candidate.consumers) = (before, after)
      let differences = try compare([baseline, candidate]).environmentDifferences
        .filter { $0.fact == "consumers" }
      #expect(differences.map { "\($0.fact): \($0.baseline ?? "?") -> \($0.candidate ?? "?")" } == expected)
    }
  }

  @Test func withCSVFilesAloneTheIdsAreAllThatIsKnown() throws {
    let candidate = MadeUpSide().another("b", seed: 2) {
      $0.environmentHash = "other"
      $0.gitCommit = "beef"
    }
    let differences = try compare([MadeUpSide().set(), candidate]).environmentDifferences
    #expect(differences.map(\.fact) == ["environment hash", "commit of the tool"])
    #expect(differences.map(\.candidate) == ["other", "beef"])
  }
}
