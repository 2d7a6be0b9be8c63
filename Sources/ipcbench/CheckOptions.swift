import ArgumentParser
import Comparing
import Foundation
import Harness
import LinuxIPC
import Mechanisms
import Results

/// A share of one as people type it: `5%` or `0.05`.
struct Share: ExpressibleByArgument {
  var value: Double

  init?(argument: String) {
    let isPercent = argument.hasSuffix("%")
    let number = Double(isPercent ? String(argument.dropLast()) : argument)
    guard let number, number.isFinite, number > 0 else { return nil }
    value = isPercent ? number / 100 : number
    guard value < 10 else { return nil }
  }

  /// As it is typed, for the help.
  var defaultValueDescription: String { "\(shortestDecimal(value * 100))%" }
}

/// What `check` and `aa` have in common: which cases, and how sure to be.
struct CheckOptions: ParsableArguments {
  @Option(help: "check, another suite, or a suite file.") var suite: String?
  @Argument(help: "Only these cases: mechanism:pipe size:64,4KiB wait:!spin.") var filters: [String] = []
  @Option(help: "A change up to this share is nobody's business.") var threshold = Share(argument: "5%")!
  @Option(help: "Pairs of trials of every case; flagged ones get twice as many more.") var pairs = 12
  @Option(help: "Measured time of a trial, instead of the suite's.") var duration: TimeSpan?
  @Option(
    help: "auto, none, the CPUs of producer and consumer: 0,1, or how near they are: same-core, same-l3, …")
  var pin: PinOption = PinOption(argument: "auto")!
  @Option(help: "Order of the trials.") var seed: UInt64?
  @Flag(help: "No progress.") var quiet = false

  var criteria: CheckCriteria {
    var criteria = CheckCriteria()
    criteria.threshold = threshold.value
    criteria.pairs = pairs
    criteria.confirmationPairs = 2 * pairs
    return criteria
  }

  /// The suite with what the flags override.
  func loadSuite(_ standard: String) throws -> Suite {
    var suite = try Suite.load(path: try SuiteFiles.path(of: self.suite ?? standard))
    for index in suite.blocks.indices {
      if let duration { suite.blocks[index].durationNanoseconds = duration.nanoseconds }
    }
    return suite
  }

  /// The cases to measure.
  ///
  /// - Throws: a usage problem where nothing is left.
  func plan(_ suite: Suite, topology: Topology, scope: ResourceScope, seed: UInt64) throws -> Plan {
    // 2 / 2⁷ is above 0.01: seven pairs that all agree are no evidence yet.
    guard pairs >= 8 else {
      throw Problem(.usage, "--pairs must be at least 8: fewer cannot decide anything, whatever they show.")
    }
    do {
      let planner = Planner(entries: Registry.entries, topology: topology, scope: scope)
      var plan = try planner.plan(suite, pin: pin.request, memory: .local, seed: seed)
      try plan.keep(filters)
      guard !plan.cases.isEmpty else {
        throw Problem(.usage, "Nothing can be measured: \(plan.skips[0].reason)")
      }
      return plan
    } catch let error as UsageError {
      throw Problem(.usage, error.description)
    }
  }
}
