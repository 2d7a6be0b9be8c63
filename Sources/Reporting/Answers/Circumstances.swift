import Results

// Questions about who takes part, where, and under which kernel.

extension RunView {
  var manyToOne: Answer {
    var answer = Answer(
      question: .manyToOne, sentences: [],
      measure: "ipcbench run -p fan-in --producers 2,4,8 -s 64 --wait block")
    for crew in crews("fan-in") {
      let cases = comparable("fan-in").filter { $0.identity.crew == crew }
      guard let first = best(cases, .messageRate) else { continue }
      let fair =
        Figure.fairness.read(first.summary).value.map { ", fairness \(Figure.fairness.show($0))" } ?? ""
      answer.sentences.append(
        "\(crew): \(name(first.summary)) carries most, \(told(.messageRate, first.summary))\(fair).")
      let latency = Figure.latency(50, of: "latency_one_way")
      if let quick = best(cases, latency), quick.summary.identity != first.summary.identity {
        answer.sentences.append(
          "A message is on its way for the shortest time in \(name(quick.summary)), p50 \(told(latency, quick.summary)): "
            + "under full load that is the depth of its queue.")
      }
    }
    if !answer.sentences.isEmpty, let cpus = run.environment.cpu.logical,
      let most = comparable("fan-in").map({ $0.identity.producers + $0.identity.consumers }).max(),
      most > cpus
    {
      answer.sentences.append(
        "With \(cpus) CPUs for up to \(most) processes these figures are the scheduler's as much as the mechanisms'."
      )
    }
    return answer
  }

  var placementAnswer: Answer {
    var answer = Answer(
      question: .placement, sentences: [],
      measure:
        "ipcbench run -m shared-memory:posix,pipe --wait spin,block --pin none (and same-core, smt-sibling, same-l3, "
        + "cross-node), then ipcbench answer 10 RUN RUN; ipcbench matrix")
    let groups = Dictionary(grouping: comparable("round-trip")) { summary -> CaseIdentity in
      var key = summary.identity
      key.placement = ""
      return key
    }.filter { $0.value.count > 1 }
    for (key, cases) in groups.sorted(by: { $0.key < $1.key }) {
      let values = cases.compactMap { summary in
        Figure.medianRoundTrip.read(summary).value.map { (summary, $0) }
      }.sorted { $0.1 < $1.1 }
      guard values.count > 1 else { continue }
      answer.sentences.append(
        "\(key.id) (\(key.wait)), \(Quantity.size(bytes: Double(key.messageBytes))): "
          + values.map { "\($0.0.identity.placement) \(told(.medianRoundTrip, $0.0))" }.joined(
            separator: "; ") + ".")
    }
    return answer
  }

  var frameworks: Answer {
    let below = [
      ("zeromq:ipc", "unix-stream"), ("nng:ipc", "unix-stream"), ("dbus", "unix-stream"),
      ("zeromq:tcp", "tcp"),
      ("nng:tcp", "tcp"), ("rpc:onc", "unix-stream"), ("rpc:onc-tcp", "tcp"), ("rpc:dce", "unix-stream"),
      ("rpc:dce-tcp", "tcp"), ("rpc:grpc", "unix-stream"), ("rpc:grpc-tcp", "tcp"),
      ("ole:call", "unix-stream"),
    ]
    var answer = Answer(
      question: .frameworks, sentences: [],
      measure:
        "ipcbench run -m \((below.map(\.0) + ["unix-stream", "tcp"]).joined(separator: ",")) -s 64 --wait block"
    )
    guard let size = referenceSize("round-trip") else { return answer }
    for (framework, socket) in below {
      guard let above = find(framework, "round-trip", size: size, wait: "block"),
        let bare = find(socket, "round-trip", size: size, wait: "block"),
        let a = Figure.medianRoundTrip.read(above).value, let b = Figure.medianRoundTrip.read(bare).value,
        b > 0
      else { continue }
      let cpu = [above, bare].map { Figure.cpu().read($0).value }
      var sentence =
        "\(framework): \(told(.medianRoundTrip, above)), \(Quantity.count(a / b)) times \(socket)'s "
        + "\(Quantity.time(nanoseconds: b))"
      if let more = cpu[0], let less = cpu[1] {
        sentence +=
          "; CPU time \(Quantity.time(nanoseconds: more)) instead of \(Quantity.time(nanoseconds: less))"
      }
      answer.sentences.append(sentence + ".")
    }
    if !answer.sentences.isEmpty {
      answer.sentences.append(
        "Round trips of \(Quantity.size(bytes: Double(size))), blocking, \(placements).")
    }
    return answer
  }

  var mitigations: Answer {
    let all = run.environment.mitigations
    var answer = Answer(
      question: .mitigations, sentences: [],
      measure:
        "ipcbench run --suite standard, once as it is and once booted with 'mitigations=off', then ipcbench compare"
    )
    guard !all.isEmpty else { return answer }
    let on = all.filter { $0.value.hasPrefix("Mitigation") }.keys.sorted()
    let open = all.filter { $0.value.hasPrefix("Vulnerable") }.keys.sorted()
    answer.sentences = [
      on.isEmpty
        ? "None is on here (\(all.count) known)."
        : "\(counted(on.count, "mitigation")) on here: \(on.joined(separator: ", "))."
    ]
    if !open.isEmpty {
      answer.sentences.append("Vulnerable and not mitigated: \(open.joined(separator: ", ")).")
    }
    answer.sentences.append(
      "They make entering and leaving the kernel dearer, so that they weigh on whatever calls it for every message; what "
        + "spins in shared memory does not. One boot cannot tell how much: measure under both and compare.")
    return answer
  }

  var published: Answer {
    var answer = Answer(question: .published, sentences: [], measure: "ipcbench run --suite standard")
    let figure = Figure.medianRoundTrip
    guard let size = referenceSize("round-trip") else { return answer }
    func contrast(_ what: String, _ one: CaseSummary?, _ other: CaseSummary?) {
      guard let one, let other, let a = figure.read(one).value, let b = figure.read(other).value, a > 0 else {
        return
      }
      answer.sentences.append(
        "\(what): \(Quantity.time(nanoseconds: a)) and \(Quantity.time(nanoseconds: b)), a factor of "
          + "\(Quantity.count(max(a / b, b / a))).")
    }
    let bytes = Quantity.size(bytes: Double(size))
    for id in ["pipe", "shared-memory:posix"] {
      contrast(
        "How it waits, \(id) at \(bytes), spinning and blocking",
        find(id, "round-trip", size: size, wait: "spin"),
        find(id, "round-trip", size: size, wait: "block"))
    }
    if let large = sizes("round-trip").last, large != size {
      contrast(
        "How much it carries, pipe, \(bytes) and \(Quantity.size(bytes: Double(large)))",
        find("pipe", "round-trip", size: size, wait: "block"),
        find("pipe", "round-trip", size: large, wait: "block"))
    }
    if let pipe = find("pipe", "round-trip", size: size, wait: "block"), let low = figure.read(pipe).value,
      let high = Figure.latency(99, of: "latency_rtt").read(pipe).value
    {
      answer.sentences.append(
        "Which number is told, pipe at \(bytes): p50 \(Quantity.time(nanoseconds: low)), p99 "
          + "\(Quantity.time(nanoseconds: high)); and many publish half a round trip as the latency.")
    }
    guard !answer.sentences.isEmpty else { return answer }
    answer.sentences += [
      "Where it runs: \(placements), \(run.environment.machine), \(run.environment.kernel.release.map { "Linux \($0)" } ?? "kernel not known").",
      "What is done with the bytes: here every one is written and read; a zero-copy mechanism whose payload nobody touches "
        + "shows any rate one likes.",
    ]
    return answer
  }
}
