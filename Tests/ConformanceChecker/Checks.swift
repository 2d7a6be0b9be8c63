import Glibc
import IPCTransport
import LinuxIPC
import Measurement

/// Runs every check of the contract against one form of a mechanism, and exits.
struct Checks: FormVisitor {
  let variant: String
  let wait: WaitKind
  let attach: Attach

  func visit<P: ChannelProvider, T: Transport & ~Copyable>(_ provider: P.Type, _ transport: T.Type)
  where P.Attachment == T.Attachment {
    do {
      let bench = try Bench<P, T>(variant: variant, wait: wait, attach: attach)
      let size = min(64, bench.traits.maximumMessageByteCount ?? 64)
      do throws(TransportError) {
        try P.probe(bench.spec(messageByteCount: size))
      } catch {
        print("skip \(error)")
        bench.services.stopAll()
        bench.scope.removeAll()
        exit(77)
      }
      let failures = run(bench)
      print("done")
      bench.services.stopAll()
      bench.scope.removeAll()
      exit(failures == 0 ? 0 : 1)
    } catch {
      print("FAIL set-up: \(error)")
      exit(1)
    }
  }

  private func run<P, T: ~Copyable>(_ bench: Bench<P, T>) -> Int {
    let exchanges = Exchanges<T>(traits: bench.traits).all
    var failures = exchanges.count { exchange in !passes(exchange.name) { try bench.run(exchange) } }
    let others: [(String, () throws -> Void)] = [
      (
        "what the traits say of losses and answers is what the loops are compiled for",
        { try traitsAgree(bench) }
      ),
      ("nothing is left behind after a trial", { try nothingLeft(bench, exchanges[1]) }),
      ("what a killed run left behind is removed by the next", { try leftoversRemoved(bench) }),
    ]
    failures += others.count { name, check in !passes(name, check) }
    return failures
  }

  private func passes(_ name: String, _ check: () throws -> Void) -> Bool {
    do {
      try check()
      print("ok \(name)")
      return true
    } catch {
      print("FAIL \(name): \(error)")
      return false
    }
  }

  private func traitsAgree<P, T: ~Copyable>(_ bench: Bench<P, T>) throws {
    try require(T.mayDrop == (bench.traits.delivery == .mayDrop), "mayDrop is \(T.mayDrop)")
    try require(
      T.replyByteCount == nil || bench.traits.framing == .call, "only a call has an answer of its own")
  }

  private func nothingLeft<P, T: ~Copyable>(_ bench: Bench<P, T>, _ exchange: Exchange<T>) throws {
    // The run's own directory may stay until the run ends, but nothing may lie in it.
    removeEmptyDirectory(bench.scope)
    let before = Leftovers.ofThisProcess()
    for _ in 0..<3 { try bench.run(exchange) }
    removeEmptyDirectory(bench.scope)
    let after = Leftovers.ofThisProcess()
    try require(after == before, "before \(before), after \(after)")
  }

  private func removeEmptyDirectory(_ scope: ResourceScope) {
    for root in ResourceScope.Root.allCases { rmdir("\(root.rawValue)/\(scope.tag)") }
  }

  private func leftoversRemoved<P, T: ~Copyable>(_ bench: Bench<P, T>) throws {
    let before = Leftovers.everywhere()
    let victim = try Processes.fork {
      // A run of its own that dies with an open channel.
      guard let own = try? Bench<P, T>(variant: variant, wait: wait, attach: attach) else { return 1 }
      let size = min(64, own.traits.maximumMessageByteCount ?? 64)
      _ = try? P.open(own.spec(messageByteCount: size))
      kill(getpid(), SIGKILL)
      return 1
    }
    _ = try victim.reap()
    ResourceScope.removeLeftovers()
    P.removeLeftovers()
    let after = Leftovers.everywhere()
    // What others had left may have been removed as well.
    try require(Set(after).isSubset(of: before), "before \(before), after \(after)")
  }
}
