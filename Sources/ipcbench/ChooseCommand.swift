import ArgumentParser
import Comparing
import Foundation
import Harness
import IPCTransport
import LinuxIPC
import Measurement
import Mechanisms
import Reporting
import Results

extension Requirement.Reach: ExpressibleByArgument {}
extension Requirement.Direction: ExpressibleByArgument {}
extension Requirement.Processes: ExpressibleByArgument {}
extension Requirement.Goal: ExpressibleByArgument {}

/// Says which mechanism to use, from this machine's results.
struct ChooseCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "choose", abstract: "Says which mechanism to use, by this machine's results.",
    usage: "ipcbench choose [RUN...] [options]",
    discussion: """
      Ranks the mechanisms that fit, says why each of the others is out, and gives the figures. RUN is a run directory; \
      by default it is results/latest, and where that holds too little, or is another machine's, a short targeted run is \
      made first.
      """)

  @Argument(help: "Run directories whose figures decide.") var runs: [String] = []
  @Option(help: "Where the other side is: host, network.") var scope: Requirement.Reach = .host
  @Option(
    name: [.customShort("s"), .customLong("size")],
    help: "Payload of a message; 0 to wake the other side only.")
  var size: ByteSize?
  @Option(help: "request-reply or one-way.") var direction: Requirement.Direction = .requestReply
  @Option(help: "related: descriptors can be inherited; unrelated: they share a name and nothing else.")
  var processes: Requirement.Processes = .related
  @Flag(help: "Lost messages are acceptable.") var allowLoss = false
  @Option(
    name: .customLong("wait"),
    help: "Acceptable ways of waiting: block,spin-then-block to keep CPUs free; by default all.")
  var waits: CommaList<WaitKind>?
  @Option(help: "How many send to one.") var producers = 1
  @Option(help: "How many one sends to.") var consumers = 1
  @Option(
    name: [.customLong("minimise"), .customLong("minimize")],
    help: "median, tail or cpu; or rate, as high as can be.")
  var goal: Requirement.Goal = .median
  @Option(help: "One way: the load at which latencies are compared, messages per second.")
  var rate: MessageRate?
  @Flag(help: "Make the targeted run in any case.") var measure = false
  @Option(help: "Rounds of the targeted run.") var trials = 6
  @Option(name: .customLong("out"), help: "Where run directories are.") var directory = "results"
  @Option(help: "text or json.") var format: OutputFormat = .text
  @Flag(help: "Print every line of the ranking.") var all = false
  @Flag(help: "No progress.") var quiet = false

  func run() throws {
    guard format == .text || format == .json else { throw Problem(.usage, "'choose' prints text or json.") }
    let requirement = try requirement()
    let candidates = requirement.candidates(Registry.entries, ownCost: Registry.ownCost)
    guard candidates.contains(where: { $0.whyNot == nil }) else {
      throw Problem(.usage, "No mechanism fits: \(Self.nearest(candidates)) Ask for less.")
    }
    do {
      let (runs, choice) = try choice(requirement, candidates)
      let report = ChoiceReport(choice, sources: runs.map(\.path), runs[0].environment, showsAll: all)
      Terminal.data(format == .json ? report.json : report.text(Terminal.style))
    } catch let error as ResultsError {
      throw Problem(.toolFailed, error.description)
    }
  }

  /// Why nothing fits: what stands in the way of most.
  private static func nearest(_ candidates: [Candidate]) -> String {
    let counts = Dictionary(grouping: candidates.compactMap(\.whyNot)) { $0 }.mapValues(\.count)
    return counts.max { ($0.value, $1.key) < ($1.value, $0.key) }?.key ?? ""
  }

  private func requirement() throws -> Requirement {
    for (count, option) in [(producers, "--producers"), (consumers, "--consumers")] {
      guard (1...Crew.most).contains(count) else {
        throw Problem(.usage, "\(option) must be from 1 to \(Crew.most).")
      }
    }
    guard producers == 1 || consumers == 1 else {
      throw Problem(
        .usage, "Several producers and several consumers at once are not measured: choose one side.")
    }
    guard producers == 1 && consumers == 1 || direction == .oneWay else {
      throw Problem(.usage, "Several producers or consumers need '--direction one-way'.")
    }
    guard trials > 0 else { throw Problem(.usage, "--trials must be at least 1.") }
    if let rate, rate.perSecond.count != 1 { throw Problem(.usage, "--rate takes one rate, such as 10k.") }
    return Requirement(
      reach: scope, messageBytes: size?.byteCount ?? 64, direction: direction, processes: processes,
      isLossAcceptable: allowLoss, waits: waits?.elements.map(\.rawValue) ?? [], producers: producers,
      consumers: consumers, goal: goal, ratePerSecond: rate?.perSecond[0] ?? 10_000)
  }

  // MARK: Figures

  private func choice(
    _ requirement: Requirement, _ candidates: [Candidate]
  ) throws -> (runs: [Run], choice: Choice) {
    if measure && !runs.isEmpty {
      throw Problem(.usage, "Give RUN or --measure: figures are read, or measured now.")
    }
    if !runs.isEmpty {
      let loaded = try runs.map { try RunDirectory.open($0).load() }
      let choice = try ranked(requirement, candidates, loaded)
      guard !choice.lines.isEmpty else {
        throw Problem(
          .noBaseline,
          "\(runs.joined(separator: ", ")) has no figure for this: leave RUN out, and a short run is made for it."
        )
      }
      warn(of: loaded)
      return (loaded, choice)
    }
    if !measure, let latest = try? RunDirectory.open("\(directory)/latest").load(), isOfThisMachine(latest) {
      let choice = try ranked(requirement, candidates, [latest])
      // A few of those that fit would make the best of these few the answer.
      if 2 * Set(choice.lines.map { "\($0.identity.id) \($0.identity.wait)" }).count > choice.fittingCount {
        return ([latest], choice)
      }
    }
    let run = try measured(requirement, candidates)
    return ([run], try ranked(requirement, candidates, [run]))
  }

  private func ranked(
    _ requirement: Requirement, _ candidates: [Candidate], _ runs: [Run]
  ) throws -> Choice {
    guard let choice = Choice(requirement, candidates, summarise(runs.flatMap(\.trials))) else {
      throw Problem(.usage, "There is no such figure: messages of a stream are not timed one by one.")
    }
    return choice
  }

  private func isOfThisMachine(_ run: Run) -> Bool {
    run.environment.hash == Machine(command: []).environment.hash
  }

  private func warn(of runs: [Run]) {
    for run in runs where !isOfThisMachine(run) {
      log.warning(
        "\(run.path) was measured on another machine, kernel or toolchain: what is best here may differ.")
    }
  }

  /// A run of what fits and nothing else.
  private func measured(_ requirement: Requirement, _ candidates: [Candidate]) throws -> Run {
    let arguments = targetedArguments(requirement, candidates)
    guard let command = try IPCBench.parseAsRoot(arguments) as? RunCommand else {
      throw Problem(.toolFailed, "A targeted run could not be made of '\(arguments.joined(separator: " "))'.")
    }
    if !quiet { Terminal.note("Measuring what fits: ipcbench \(arguments.joined(separator: " "))") }
    let (run, summary) = try Session(command, arguments: arguments).measure(in: directory)
    guard !summary.wasInterrupted else {
      throw Problem(
        .toolFailed,
        "Interrupted; finished trials are kept: 'ipcbench run --resume \(run.path)', then 'ipcbench choose \(run.path)'."
      )
    }
    return run
  }

  /// What one would type.
  private func targetedArguments(_ requirement: Requirement, _ candidates: [Candidate]) -> [String] {
    let fitting = candidates.filter { $0.whyNot == nil }
    let waits = WaitKind.allCases.map(\.rawValue).filter { wait in
      fitting.contains { $0.waits.contains(wait) }
    }
    var arguments = [
      "run", "-m", fitting.map(\.id).joined(separator: ","), "-p", requirement.pattern, "--wait",
      waits.joined(separator: ","), "--trials", String(trials), "--duration", "100ms", "--scope",
      requirement.reach.rawValue, "--out", directory,
    ]
    if requirement.messageBytes > 0 { arguments += ["-s", String(requirement.messageBytes)] }
    if requirement.processes == .unrelated { arguments += ["--attach", Attach.name.rawValue] }
    if let rate = requirement.rateTargetPerSecond { arguments += ["--rate", String(Int(rate))] }
    if requirement.producers > 1 { arguments += ["--producers", String(requirement.producers)] }
    if requirement.consumers > 1 { arguments += ["--consumers", String(requirement.consumers)] }
    if quiet { arguments.append("--quiet") }
    return arguments
  }
}
