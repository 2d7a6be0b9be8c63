extension Environment {
  public struct Kernel: Codable, Sendable, Equatable {
    /// `6.12.9-amd64`
    public var release: String?
    /// The build: number, options and date.
    public var version: String?
    public var commandLine: String?

    public init() {}
  }

  public struct Security: Codable, Sendable, Equatable {
    /// 0 off, 1 without the heap, 2 full.
    public var addressSpaceRandomisation: Int?
    /// Who may count cycles and instructions, from −1 (anybody) to 3 or 4 (nobody but root).
    public var perfEventParanoid: Int?
    /// Who may attach to a process (Yama), from 0 to 3.
    public var ptraceScope: Int?
    /// The enabled security modules, as the kernel lists them: `lockdown,capability,yama,apparmor`.
    public var modules: String?

    public init() {}
  }
}

extension Environment.Kernel {
  init(reading files: SystemFiles) {
    release = files.text("proc/sys/kernel/osrelease")
    version = files.text("proc/sys/kernel/version")
    commandLine = files.text("proc/cmdline")
  }
}

extension Environment.Security {
  init(reading files: SystemFiles) {
    addressSpaceRandomisation = files.integer("proc/sys/kernel/randomize_va_space")
    perfEventParanoid = files.integer("proc/sys/kernel/perf_event_paranoid")
    ptraceScope = files.integer("proc/sys/kernel/yama/ptrace_scope")
    modules = files.text("sys/kernel/security/lsm")
  }
}

extension Environment {
  static func readMitigations(_ files: SystemFiles) -> [String: String] {
    let directory = "sys/devices/system/cpu/vulnerabilities"
    var mitigations: [String: String] = [:]
    for name in files.names(in: directory) { mitigations[name] = files.text("\(directory)/\(name)") }
    return mitigations
  }
}
