// Checks that one form of a mechanism keeps the contract of `Transport`. A program of its own because it forks,
// and a test runner has threads.
//
//   ConformanceChecker ID[:VARIANT] WAIT ATTACH
//
// Prints a line per check, `ok NAME` or `FAIL NAME: WHY`; exits with 1 when one failed and with 77 when the
// mechanism cannot run here, after a line `skip WHY`.
import Glibc
import IPCTransport
import LinuxIPC
import Measurement
import Mechanisms

guard CommandLine.arguments.count == 4, let wait = WaitKind(rawValue: CommandLine.arguments[2]),
  let attach = Attach(rawValue: CommandLine.arguments[3])
else {
  print("usage: ConformanceChecker ID[:VARIANT] WAIT ATTACH")
  exit(64)
}
let names = CommandLine.arguments[1].split(separator: ":").map(String.init)
guard let entry = Registry.entries.first(where: { $0.mechanism.id == names[0] }),
  let form = entry.form(wait)
else {
  print("no such form")
  exit(64)
}
signal(SIGPIPE, SIG_IGN)
form.visit(Checks(variant: names.count > 1 ? names[1] : "", attach: attach))
