// Checks what mechanisms with daemons promise beyond the contract of `Transport`, on real ones. A program of its own
// because it forks, and a test runner has threads.
//
//   ServiceChecker            prints the names of all checks
//   ServiceChecker NAME       runs one: `ok`, with what it found out, or `FAIL` and why
//
// Exits with 1 when the check failed, and with 77 when something that it needs is not installed, after `skip` and what.
import Glibc
import IPCTransport
import LinuxIPC

let checks = [
  clipboardChecks, foreignChecks, copyDataChecks, viewChecks, ddeChecks, objectChecks, serviceChecks,
  oncChecks, dceChecks,
]
.flatMap(\.self)

signal(SIGPIPE, SIG_IGN)
guard CommandLine.arguments.count == 2 else {
  for check in checks { print(check.name) }
  exit(0)
}
guard let check = checks.first(where: { $0.name == CommandLine.arguments[1] }) else {
  print("no such check")
  exit(64)
}
// A check that hangs is a failure, not a hanging test run.
alarm(60)
let stage = Stage()
var code: Int32 = 0
do {
  let note = try check.run(stage)
  print(note.isEmpty ? "ok" : "ok: \(note)")
} catch let error as TransportError where error.code == .unavailable && error.description.contains("install")
{
  print("skip \(error)")
  code = 77
} catch {
  print("FAIL \(error)")
  code = 1
}
stage.clear()
exit(code)
