// Feeds the parsers of network protocols what nobody should send: valid packets, damaged. Each input is parsed, or
// refused; a crash, a hang, or memory without bound is a failure, which is found out by the parent.
//
//     WireFuzzer                          the names of all targets
//     WireFuzzer INPUTS [SEED] [TARGET]   that many inputs for each target, or for one
import Glibc

let arguments = Array(CommandLine.arguments.dropFirst())
guard let inputs = arguments.first else {
  for target in targets { print(target.name) }
  exit(0)
}
let chosen = arguments.count > 2 ? targets.filter { $0.name == arguments[2] } : targets
guard let count = UInt64(inputs), let seed = arguments.count > 1 ? UInt64(arguments[1]) : 20_261_126,
  arguments.count <= 3, !chosen.isEmpty
else {
  print("usage: WireFuzzer [INPUTS [SEED [TARGET]]]")
  exit(64)
}
let failures = chosen.count { !Supervisor($0, seed: seed).run(inputs: count) }
exit(failures == 0 ? 0 : 1)
