import Results

// Questions about waiting and waking.

extension RunView {
  var spinning: Answer {
    var answer = Answer(
      question: .spinning, sentences: [],
      measure: "ipcbench run -m shared-memory:posix,pipe,unix-stream,tcp -s 64 --wait spin,block")
    guard let size = referenceSize("round-trip") else { return answer }
    for blocking in comparable("round-trip", size: size, wait: "block") {
      guard let spinning = find(blocking.identity.id, "round-trip", size: size, wait: "spin"),
        ["shared-memory:posix", "pipe", "unix-stream", "tcp"].contains(blocking.identity.id),
        let slow = Figure.medianRoundTrip.read(blocking).value,
        let fast = Figure.medianRoundTrip.read(spinning).value,
        let saved = Figure.cpu().read(blocking).value, let spent = Figure.cpu().read(spinning).value
      else { continue }
      answer.sentences.append(
        "\(blocking.identity.id): a round trip takes \(Quantity.time(nanoseconds: slow)) blocking and "
          + "\(Quantity.time(nanoseconds: fast)) spinning, and \(Quantity.time(nanoseconds: saved)) and "
          + "\(Quantity.time(nanoseconds: spent)) of CPU time on both sides together "
          + "(\(counted(blocking.okTrials, "trial")) and \(spinning.okTrials))\(systemCalls(blocking, spinning))."
      )
    }
    if !answer.sentences.isEmpty {
      answer.sentences.append(
        "That is at full speed. When few messages come, a side that spins still takes its whole CPU; one that blocks takes "
          + "no more for each than is given here.")
    }
    return answer
  }

  /// Nothing where they were not counted.
  private func systemCalls(_ blocking: CaseSummary, _ spinning: CaseSummary) -> String {
    guard let some = Figure.systemCalls.read(blocking).value,
      let others = Figure.systemCalls.read(spinning).value
    else { return "" }
    return ", in \(Quantity.count(some)) and \(Quantity.count(others)) system calls"
  }

  var sparse: Answer {
    var answer = Answer(
      question: .sparse, sentences: [],
      measure:
        "ipcbench run -p wake-up -m shared-memory:posix,pipe,unix-stream,futex,eventfd --wait spin,block")
    let gaps = gaps("wake-up")
    guard gaps.count > 1, let first = gaps.first, let last = gaps.last else { return answer }
    let figure = Figure.latency(50, of: "latency_wake_up")
    for series in series("wake-up") where !series.isOwnCost {
      guard let short = series.at(gap: first), let long = series.at(gap: last),
        let a = figure.read(short).value,
        let b = figure.read(long).value, a > 0
      else { continue }
      answer.sentences.append(
        "\(series.name): \(told(figure, short)) when the receiver was idle for \(Quantity.gap(first)), "
          + "\(told(figure, long)) after \(Quantity.gap(last)): "
          + (b / a > 1.1 ? "\(times(b / a)) \(b / a < 1.995 ? "more" : "as long")." : "no slower."))
    }
    if !answer.sentences.isEmpty {
      answer.sentences.append(
        "The longer a receiver sleeps, the deeper its CPU does: it has to be interrupted, to leave its idle state, and to "
          + "fill its caches again. A receiver that spins pays none of that.")
    }
    return answer
  }

  var waking: Answer {
    let names = [
      "futex", "eventfd", "posix-semaphore", "signal", "pipe", "unix-stream", "shared-memory:posix",
    ]
    var answer = Answer(
      question: .waking, sentences: [],
      measure: "ipcbench run -p round-trip,wake-up -m \(names.prefix(5).joined(separator: ",")) --wait block")
    let figure = Figure.medianRoundTrip
    let cases =
      (comparable("round-trip:notification", wait: "block")
      + comparable("round-trip", size: 64, wait: "block"))
      .filter { names.contains($0.identity.id) }
    guard let first = best(cases, figure),
      cases.contains(where: { $0.identity.pattern == "round-trip:notification" })
    else { return answer }
    answer.sentences = [
      "There and back, both sides asleep in between, \(first.summary.identity.id) is fastest: "
        + "\(told(figure, first.summary)). A wake-up is about half of that, and mostly the scheduler's, whoever asks for it."
    ]
    let others = cases.filter { $0.identity != first.summary.identity }.compactMap { summary in
      figure.read(summary).value.map { (summary.identity.id, $0) }
    }.sorted { $0.1 < $1.1 }
    answer.sentences.append(
      others.map {
        "\($0.0) \(Quantity.time(nanoseconds: $0.1)) (\(times($0.1 / first.value)) "
          + ($0.1 / first.value < 1.995 ? "more)" : "as long)")
      }.joined(separator: ", ") + ".")
    return answer
  }

  var sharedOrMapped: Answer {
    var answer = Answer(
      question: .sharedOrMapped, sentences: [],
      measure: "ipcbench run -m shared-memory:*,mapped-file:* -s 64,64KiB --wait spin")
    let wait =
      comparable("round-trip", wait: "spin").contains { $0.identity.mechanism == "mapped-file" }
      ? "spin" : "block"
    for size in sizes("round-trip") {
      let cases = comparable("round-trip", size: size, wait: wait).filter {
        ["shared-memory", "mapped-file"].contains($0.identity.mechanism) && $0.identity.attach == "inherit"
      }
      let values = cases.compactMap { summary in
        Figure.medianRoundTrip.read(summary).value.map { (summary.identity.id, $0) }
      }.sorted { $0.1 < $1.1 }
      guard Set(cases.map(\.identity.mechanism)).count == 2, let least = values.first, let most = values.last
      else { continue }
      answer.sentences.append(
        "At \(Quantity.size(bytes: Double(size))), \(wait): from \(Quantity.time(nanoseconds: least.1)) (\(least.0)) to "
          + "\(Quantity.time(nanoseconds: most.1)) (\(most.0)), \(times(most.1 / least.1)) apart, "
          + "over \(counted(cases.count, "form")) of \(cases.map(\.okTrials).min() ?? 0) trials or more each."
      )
    }
    if !answer.sentences.isEmpty {
      answer.sentences.append(
        "Once mapped, all of them are the same pages in the same caches, under the same ring; what differs is where the "
          + "memory comes from, what it is called, and whether it outlives a reboot.")
    }
    return answer
  }
}
