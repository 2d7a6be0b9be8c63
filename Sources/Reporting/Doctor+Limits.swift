import Results

extension Doctor {
  static func limits(_ environment: Environment) -> [Finding] {
    let limits = environment.limits
    return [
      limit(
        "locked memory", limits.lockedMemory, wanted: 8 << 20, show: { Quantity.size(bytes: Double($0)) },
        effect: "Rings cannot be locked in memory, and io_uring may refuse its buffers.",
        remedy: "Raise it for the shell that measures (`ulimit -l`), or in /etc/security/limits.conf."),
      limit(
        "open files", limits.openFiles, wanted: 1024, show: { Quantity.count(Double($0)) },
        effect: "Many producers or consumers at once need more descriptors.",
        remedy: "Raise it for the shell that measures (`ulimit -n`)."),
      limit(
        "message queues", limits.messageQueueBytes, wanted: 8 << 20,
        show: { Quantity.size(bytes: Double($0)) },
        effect: "POSIX message queues of large messages cannot be made, and their cases are skipped.",
        remedy: "Raise it for the shell that measures (`ulimit -q`)."),
      pipeSize(limits), hugePages(environment.memory), counters(environment.security),
      tracing(environment.security),
    ]
  }

  private static func limit(
    _ name: String, _ limit: Environment.Limit?, wanted: Int, show: (Int) -> String, effect: String,
    remedy: String
  ) -> Finding {
    guard let limit else { return Finding(name, .unknown, "not known", effect: effect) }
    guard !limit.unlimited, let soft = limit.soft else {
      return Finding(name, .ok, "unlimited", effect: effect)
    }
    if soft >= wanted { return Finding(name, .ok, show(soft), effect: effect) }
    return Finding(name, .info, show(soft), effect: effect, remedy: remedy)
  }

  private static func pipeSize(_ limits: Environment.Limits) -> Finding {
    let effect =
      "A pipe cannot be made larger than this without privilege: large messages cross it in pieces, with a "
      + "context switch for each."
    guard let bytes = limits.pipeMaximumBytes else {
      return Finding("pipe size", .unknown, "not known", effect: effect)
    }
    let value = Quantity.size(bytes: Double(bytes))
    if bytes >= 1 << 20 { return Finding("pipe size", .ok, value, effect: effect) }
    return Finding(
      "pipe size", .info, value, effect: effect, remedy: "Set it to its usual value.",
      setting: .sysctl("fs.pipe-max-size", "1048576"))
  }

  private static func hugePages(_ memory: Environment.Memory) -> Finding {
    let effect = "Cases that ask for huge pages need free ones; without, they are skipped."
    guard let free = memory.hugePagesFree else {
      return Finding("huge pages", .unknown, "not known", effect: effect)
    }
    let value = "\(Quantity.grouped(free)) free"
    if free > 0 { return Finding("huge pages", .ok, value, effect: effect) }
    return Finding(
      "huge pages", .info, value, effect: effect, remedy: "Reserve some to measure them.",
      setting: .sysctl("vm.nr_hugepages", "\((memory.hugePagesTotal ?? 0) + 64)"))
  }

  private static func counters(_ security: Environment.Security) -> Finding {
    let effect = "Cycles and instructions are counted only where the kernel lets an ordinary user count them."
    guard let level = security.perfEventParanoid else {
      return Finding("performance counters", .unknown, "the kernel does not say", effect: effect)
    }
    let value = "perf_event_paranoid \(level)"
    if level <= 2 { return Finding("performance counters", .ok, value, effect: effect) }
    return Finding(
      "performance counters", .info, value, effect: effect, remedy: "Allow it, or run as root.",
      setting: .sysctl("kernel.perf_event_paranoid", "2"))
  }

  private static func tracing(_ security: Environment.Security) -> Finding {
    let effect =
      "Mechanisms that reach into the other process (process_vm_readv, pidfd_getfd) are refused between "
      + "processes that are not parent and child."
    guard let scope = security.ptraceScope else {
      return Finding("tracing", .ok, "no restriction by Yama", effect: effect)
    }
    if scope == 0 { return Finding("tracing", .ok, "allowed", effect: effect) }
    return Finding(
      "tracing", .info, "ptrace_scope \(scope)", effect: effect,
      remedy: "Allow it while measuring those mechanisms.",
      setting: .sysctl("kernel.yama.ptrace_scope", "0"))
  }
}
