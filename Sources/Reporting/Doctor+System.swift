import Results

extension Doctor {
  static func system(_ environment: Environment) -> [Finding] {
    [
      virtualisation(environment.virtualisation), load(environment), pressure(environment.load),
      steal(environment.load),
      hugePages(environment.memory), swap(environment.memory), balancing(environment),
      randomisation(environment.security),
      build(environment.toolchain),
    ]
  }

  private static func virtualisation(_ machine: Environment.Virtualisation) -> Finding {
    let container = machine.container.map { ", in \($0)" } ?? ""
    guard machine.virtualMachine == true || machine.hypervisor != nil else {
      let isKnown = machine.virtualMachine != nil
      return Finding(
        "virtualisation", isKnown ? .ok : .unknown, (isKnown ? "bare metal" : "not known") + container,
        effect: "On a virtual machine the host decides which hardware threads the CPUs are.")
    }
    return Finding(
      "virtualisation", .warn, (machine.hypervisor ?? "virtual machine") + container,
      effect:
        "The host moves virtual CPUs between hardware threads: the same hand-off takes 40 or 250 ns, minutes "
        + "apart, and whatever spins moves with it.",
      remedy: "Compare only trials that were interleaved in one session; publish numbers from bare metal.")
  }

  private static func load(_ environment: Environment) -> Finding {
    let effect =
      "Other work takes the CPUs, the caches and the memory bandwidth that trials are measured with."
    guard let load = environment.load.oneMinute else {
      return Finding("load", .unknown, "not known", effect: effect)
    }
    let isBusy = load > max(0.5, 0.25 * Double(environment.cpu.logical ?? 1))
    return Finding(
      "load", isBusy ? .warn : .ok, "\(Quantity.count(load)) over the last minute", effect: effect,
      remedy: isBusy ? "Wait until the machine is idle, or stop what keeps it busy." : "")
  }

  private static func pressure(_ load: Environment.Load) -> Finding {
    let effect = "Tasks waited for a CPU: two sides that want one each will wait too."
    guard let percent = load.cpuPressurePercent else {
      return Finding("pressure", .unknown, "the kernel does not say", effect: effect)
    }
    let isHigh = percent > 5
    return Finding(
      "pressure", isHigh ? .warn : .ok,
      "CPU short for \(Quantity.percent(percent / 100)) of the last ten seconds",
      effect: effect, remedy: isHigh ? "Wait until the machine is idle, or stop what keeps it busy." : "")
  }

  private static func steal(_ load: Environment.Load) -> Finding {
    let effect =
      "While the host runs somebody else, a trial stands still: in trials with steal time p99 was 1.9 to 3.6 "
      + "times as high."
    guard let percent = load.stealPercent else {
      return Finding("steal", .unknown, "not known", effect: effect)
    }
    let isHigh = percent > 0.5
    return Finding(
      "steal", isHigh ? .warn : .ok, "\(Quantity.percent(percent / 100)) since boot", effect: effect,
      remedy: isHigh ? "Use a machine with dedicated CPUs." : "")
  }

  private static func hugePages(_ memory: Environment.Memory) -> Finding {
    let effect =
      "With `always` the kernel makes and splits huge pages behind a mapping, in the background and at page "
      + "faults."
    guard let setting = memory.transparentHugePages else {
      return Finding("transparent huge pages", .unknown, "the kernel does not say", effect: effect)
    }
    guard setting == "always" else { return Finding("transparent huge pages", .ok, setting, effect: effect) }
    return Finding(
      "transparent huge pages", .info, setting, effect: effect, remedy: "Let programs ask for them.",
      setting: Setting("/sys/kernel/mm/transparent_hugepage/enabled", "madvise"))
  }

  private static func swap(_ memory: Environment.Memory) -> Finding {
    let effect = "A page that was swapped out costs a trial milliseconds."
    guard let used = memory.swapUsedBytes else {
      return Finding("swap", .unknown, "not known", effect: effect)
    }
    guard used > 0 else { return Finding("swap", .ok, "not in use", effect: effect) }
    return Finding(
      "swap", .info, "\(Quantity.size(bytes: Double(used))) in use", effect: effect,
      remedy: "Free memory, or turn swap off while measuring.", command: "swapoff -a")
  }

  private static func balancing(_ environment: Environment) -> Finding {
    let effect =
      "Automatic NUMA balancing unmaps pages to see who uses them, and moves them between nodes in mid-trial."
    let nodes = environment.numa.count
    guard let balancing = environment.memory.numaBalancing else {
      let state: Finding.State = nodes > 1 ? .unknown : .ok
      return Finding("numa balancing", state, nodes > 1 ? "not known" : "not built in", effect: effect)
    }
    guard balancing != 0, nodes > 1 else {
      return Finding("numa balancing", .ok, nodes > 1 ? "off" : "one node", effect: effect)
    }
    return Finding(
      "numa balancing", .warn, "on, \(nodes) nodes", effect: effect, remedy: "Turn it off while measuring.",
      setting: .sysctl("kernel.numa_balancing", "0"))
  }

  private static func randomisation(_ security: Environment.Security) -> Finding {
    let effect =
      "Every trial has other addresses. That is wanted: it turns the luck of one layout into spread that can "
      + "be seen."
    guard let level = security.addressSpaceRandomisation else {
      return Finding("address randomisation", .unknown, "not known", effect: effect)
    }
    if level == 2 { return Finding("address randomisation", .ok, "full", effect: effect) }
    return Finding(
      "address randomisation", .info, level == 0 ? "off" : "partial",
      effect:
        "All trials share one layout, and its luck: a difference between two builds may be nothing but that.",
      remedy: "Turn it on.", setting: .sysctl("kernel.randomize_va_space", "2"))
  }

  private static func build(_ toolchain: Environment.Toolchain) -> Finding {
    let effect = "Without optimisation the loops are not specialised, and measure themselves."
    switch toolchain.configuration {
    case "release": return Finding("build", .ok, "release", effect: effect)
    case let configuration?:
      return Finding(
        "build", .warn, configuration, effect: effect, remedy: "Build with `swift build -c release`.")
    case nil: return Finding("build", .unknown, "not known", effect: effect)
    }
  }
}
