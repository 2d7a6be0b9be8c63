import LinuxIPC
import Results

/// This machine as a run records it: the clock that is used, and everything around it.
struct Machine {
  let clock: Clock
  let environment: Environment

  /// - Parameter root: a directory that holds a `proc` and a `sys` of its own, for tests.
  init(command: [String], root: String = "") {
    clock = Clock.choose()
    let (cost, resolution) = clock.characterise()
    var environment = Environment.capture(
      clock: ClockDescription(
        name: clock.name, resolutionNanoseconds: resolution, readCostNanoseconds: cost,
        frequencyHertz: clock.source == .ticks ? clock.ticksPerSecond : nil),
      command: command, files: SystemFiles(root: root))
    environment.tool.version = Version.text
    self.environment = environment
  }
}
