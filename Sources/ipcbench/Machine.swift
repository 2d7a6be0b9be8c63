import LinuxIPC
import Results

/// This machine as a run records it: the clock that is used, and everything around it.
struct Machine {
  let clock: Clock
  let environment: Environment

  init(command: [String]) {
    clock = Clock.choose()
    let (cost, resolution) = clock.characterise()
    var environment = Environment.capture(
      clock: ClockDescription(
        name: clock.name, resolutionNanoseconds: resolution, readCostNanoseconds: cost,
        frequencyHertz: clock.source == .ticks ? clock.ticksPerSecond : nil),
      command: command)
    environment.tool.version = Version.text
    self.environment = environment
  }
}
