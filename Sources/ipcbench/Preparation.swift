import LinuxIPC
import Logging
import Mechanisms

/// What every command does that starts processes: takes ^C in order, and removes what a killed run left behind.
enum Preparation {
  static func run(quiet: Bool, topology: Topology? = nil) {
    do {
      try StopSignal.install()
    } catch {
      log.warning("\(error): ^C will not stop the run in order.")
    }
    let removed = ResourceScope.removeLeftovers()
    for entry in Registry.entries { entry.forms.first?.removeLeftovers() }
    guard !quiet else { return }
    if !removed.isEmpty {
      log.notice("Removed what a killed run left behind: \(Set(removed).sorted().joined(separator: ", ")).")
    }
    if let notice = topology?.numaNotice { log.notice("\(notice)") }
  }
}
