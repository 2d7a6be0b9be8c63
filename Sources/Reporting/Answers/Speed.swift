import Results

// Questions about how fast, at which size, and how far from the median.

extension RunView {
  var fastest: Answer {
    var answer = Answer(question: .fastest, sentences: [], measure: "ipcbench run -s 64")
    guard let size = referenceSize("round-trip") else { return answer }
    let figure = Figure.medianRoundTrip
    let bytes = Quantity.size(bytes: Double(size))
    for (wait, what) in [("spin", "where both sides spin"), ("block", "where they sleep in between")] {
      let cases = comparable("round-trip", size: size, wait: wait)
      guard let first = best(cases, figure) else { continue }
      let others = cases.filter { $0.identity.mechanism != first.summary.identity.mechanism }
      var sentence =
        "A round trip of \(bytes) is fastest over \(first.summary.identity.id) \(what): \(told(figure, first.summary))"
      let level = others.filter { overlap(figure, $0, first.summary) }.map(\.identity.id)
      if !level.isEmpty {
        sentence +=
          "; these trials cannot tell it from \(level.prefix(5).joined(separator: ", "))"
          + (level.count > 5 ? " and \(level.count - 5) more" : "")
      }
      if let next = best(others.filter { !overlap(figure, $0, first.summary) }, figure) {
        let ratio = next.value / first.value
        sentence +=
          "; then comes \(next.summary.identity.id), \(times(ratio)) \(ratio < 1.995 ? "slower" : "as slow")"
      }
      answer.sentences.append(sentence + ".")
    }
    if let rate = best(comparable("stream", size: referenceSize("stream")), .messageRate) {
      answer.sentences.append(
        "One way, most messages go through \(name(rate.summary)): \(told(.messageRate, rate.summary)).")
    }
    if !answer.sentences.isEmpty { answer.sentences.append("Placement: \(placements).") }
    return answer
  }

  var tail: Answer {
    var answer = Answer(
      question: .tail, sentences: [], measure: "ipcbench run -s 64 --wait block --duration 2s")
    guard let size = referenceSize("round-trip") else { return answer }
    let cases = comparable("round-trip", size: size, wait: "block")
    let (p50, p999, most) = (
      Figure.medianRoundTrip, Figure.latency(99.9, of: "latency_rtt"), Figure.largest(of: "latency_rtt")
    )
    let known = cases.filter { p999.read($0).value != nil }
    guard let calm = best(known, p999) else { return answer }
    answer.sentences = [
      "The shortest tail of those that block is that of \(calm.summary.identity.id): one round trip in a thousand takes "
        + "longer than \(told(p999, calm.summary)), where the median takes \(told(p50, calm.summary)).",
      "What the worst case was is in the table; it is the largest of the samples there were, and grows with them.",
    ]
    answer.tables = [
      table(
        "Tail at \(Quantity.size(bytes: Double(size)))",
        series("round-trip").filter {
          $0.identity.wait == "block" && $0.at(size).map { p999.read($0).value != nil } == true
        },
        [p50, .latency(99, of: "latency_rtt"), p999, .latency(99.99, of: "latency_rtt"), most].map {
          ($0, { $0.at(size) })
        })
    ]
    return answer
  }

  var crossovers: Answer {
    var answer = Answer(
      question: .crossovers, sentences: [],
      measure:
        "ipcbench run -m shared-memory:posix,pipe,unix-stream,tcp -s 8,64,512,4KiB,64KiB,1MiB --wait spin,block"
    )
    for (pattern, figure) in [("round-trip", Figure.medianRoundTrip), ("stream", Figure.goodput)] {
      for wait in ["spin", "block"] {
        let (count, leaders) = leaders(pattern, figure, wait: wait)
        guard count > 0 else { continue }
        let named = leaders.map { (size: $0.size, id: $0.ids.joined(separator: " or ")) }
        answer.sentences.append(
          "\(pattern == "stream" ? "Goodput" : "Round trips"), \(wait): " + spans(named)
            + " (of \(count) measured at every size).")
      }
    }
    return answer
  }

  /// `shared-memory:posix from 8 B to 64 KiB, tcp at 1 MiB`.
  private func spans(_ leaders: [(size: Int, id: String)]) -> String {
    var parts: [String] = []
    var start = 0
    for index in leaders.indices
    where index + 1 == leaders.count || leaders[index + 1].id != leaders[index].id {
      let (first, last) = (leaders[start].size, leaders[index].size)
      let size = { (bytes: Int) in Quantity.size(bytes: Double(bytes)) }
      let range =
        start == 0 && index + 1 == leaders.count
        ? "at every size, \(size(first)) to \(size(last))"
        : first == last ? "at \(size(first))" : "from \(size(first)) to \(size(last))"
      parts.append("\(leaders[index].id) \(range)")
      start = index + 1
    }
    return parts.joined(separator: "; ")
  }

  var unixOrTCP: Answer {
    var answer = Answer(
      question: .unixOrTCP, sentences: [],
      measure:
        "ipcbench run -m unix-stream,tcp -s 64,4KiB,64KiB -p round-trip,stream,connect --wait spin,block")
    var rows: [[Table.Cell]] = []
    var wins = (unix: 0, tcp: 0)
    for (pattern, figure, what) in [
      ("round-trip", Figure.medianRoundTrip, "round trip p50"), ("stream", .goodput, "goodput"),
      ("connect", .latency(50, of: "latency_set_up"), "set-up p50"),
    ] {
      for (size, wait) in sizes(pattern).flatMap({ size in ["block", "spin"].map { (size, $0) } }) {
        guard let unix = find("unix-stream", pattern, size: size, wait: wait),
          let tcp = find("tcp", pattern, size: size, wait: wait),
          let a = figure.read(unix).value, let b = figure.read(tcp).value, a > 0, b > 0
        else { continue }
        let ratio = figure.better == .higher ? a / b : b / a
        let isClear = !overlap(figure, unix, tcp)
        if isClear { if ratio > 1 { wins.unix += 1 } else { wins.tcp += 1 } }
        let verdict =
          !isClear
          ? "no clear difference" : ratio > 1 ? "unix by \(times(ratio))" : "tcp by \(times(1 / ratio))"
        rows.append(
          [what, Quantity.size(bytes: Double(size)), wait, figure.show(a), figure.show(b), verdict].map {
            Table.Cell($0)
          })
      }
    }
    guard !rows.isEmpty else { return answer }
    answer.sentences = [
      "Of \(counted(rows.count, "comparison")) the Unix socket is clearly better in \(wins.unix), TCP over loopback in "
        + "\(wins.tcp); in the rest the trials of the two overlap. TCP goes through the whole network stack on both sides, "
        + "also where there is no network; in return it reaches other hosts."
    ]
    answer.tables = [
      Table(
        "Unix socket and TCP, medians of trials, \(placements)",
        columns: [
          Table.Column("figure", .left), Table.Column("size"), Table.Column("wait", .left),
          Table.Column("unix-stream"),
          Table.Column("tcp"), Table.Column("better", .left),
        ], rows: rows)
    ]
    return answer
  }
}
