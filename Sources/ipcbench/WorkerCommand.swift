import ArgumentParser
import Foundation
import Harness
import Mechanisms

/// What the harness starts where a worker must be a process of its own. Not for people.
struct WorkerCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "worker", abstract: "One side of a trial.", shouldDisplay: false)

  @Argument(help: "What to do.") var order: String

  func run() { _exit(WorkerOrder.carryOut(order, Registry.entries)) }
}
