// Reads and compares files that were damaged on purpose: every one gives a table, or one sentence that says what
// is wrong with it.
//
//     ResultsFuzzer [cases] [seed]
//
// The cases are divided among processes, one for each CPU, so that a crash, a hang or a file that eats all memory
// is found out by the parent, which makes the case again, writes it to a file, and says how to repeat it.

import Glibc

let arguments = Array(CommandLine.arguments.dropFirst())
if arguments.first == "worker" {
  runWorker(Array(arguments.dropFirst()))
} else {
  let cases = arguments.first.map { UInt64($0) } ?? 100_000
  let seed = arguments.dropFirst().first.map { UInt64($0) } ?? 20_261_121
  guard let cases, let seed, arguments.count <= 2 else {
    print("usage: ResultsFuzzer [cases] [seed]")
    exit(64)
  }
  exit(supervise(cases: cases, seed: seed) ? 0 : 1)
}
