// Checks that one form of a mechanism keeps the contract of `Transport`. A program of its own because it forks,
// and a test runner has threads.
//
//   ConformanceChecker ID[:VARIANT] WAIT ATTACH
//
// Prints a line per check, `ok NAME` or `FAIL NAME: WHY`, and `done` at the end; exits with 1 when one failed and
// with 77 when the mechanism cannot run here, after a line `skip WHY`. With a fourth argument it is one side of an
// exchange, started by itself: unrelated processes share nothing but a name.
import Foundation
import IPCTransport
import LinuxIPC
import Measurement
import Mechanisms

let arguments = CommandLine.arguments
guard arguments.count >= 4, let wait = WaitKind(rawValue: arguments[2]),
  let attach = Attach(rawValue: arguments[3])
else {
  print("usage: ConformanceChecker ID[:VARIANT] WAIT ATTACH")
  exit(64)
}
let names = arguments[1].split(separator: ":").map(String.init)
let variant = names.count > 1 ? names[1] : ""
guard let entry = Registry.entries.first(where: { $0.mechanism.id == names[0] }),
  let form = entry.form(variant, wait)
else {
  print("no such form")
  exit(64)
}
signal(SIGPIPE, SIG_IGN)
if arguments.count > 4 {
  // The order, or `@` and the file that holds it.
  let text =
    arguments[4].hasPrefix("@") ? TextFile.read(String(arguments[4].dropFirst())) ?? "" : arguments[4]
  guard let order = try? JSONDecoder().decode(SideOrder.self, from: Data(text.utf8)) else { exit(64) }
  if let parent = order.parent { Processes.dieWithParent(parent) }
  form.visit(Side(order: order, variant: variant, wait: wait, attach: attach))
} else {
  form.visit(Checks(variant: variant, wait: wait, attach: attach))
}
