import Results

/// What a report says about one pattern.
struct Section {
  var title: String
  /// What was done, in a sentence or two.
  var lead: String
  /// For a person at a terminal: few tables, one line per series.
  var brief: [Table]
  /// For a page: every size, spread and cost.
  var full: [Table]
  /// Names of the plots that belong here.
  var plots: [String] = []
}

extension RunView {
  /// One section per measured pattern. What follows the pattern's name (`paced-poisson`, `stream:header`)
  /// makes it a section of its own, because its numbers cannot be compared with the others.
  var sections: [Section] {
    patterns.map { pattern in
      var section =
        if pattern.hasSuffix(":notification") {
          notification(pattern)
        } else if pattern.hasPrefix("round-trip") {
          roundTrip(pattern)
        } else if pattern.hasPrefix("stream:batch") {
          batchedStream(pattern)
        } else if pattern.hasPrefix("stream") {
          stream(pattern)
        } else if pattern.hasPrefix("paced") {
          paced(pattern)
        } else if pattern == "wake-up" {
          wakeUp(pattern)
        } else if pattern.hasPrefix("fan-") {
          gathering(pattern)
        } else if pattern == "connect" {
          connect(pattern)
        } else {
          other(pattern)
        }
      if pattern.hasSuffix(":notification") { return section }
      section.title += Self.usualPatterns.contains(pattern) ? "" : titleSuffix(pattern)
      if !Self.usualPatterns.contains(pattern) { section.plots = [] }
      return section
    }
  }

  private func titleSuffix(_ pattern: String) -> String {
    let isUntouched = measured.contains { $0.identity.family == pattern && $0.identity.touch != "all" }
    return (pattern.contains("poisson") ? ", Poisson arrivals" : "") + (isUntouched ? ", header only" : "")
  }

  private func roundTrip(_ pattern: String) -> Section {
    let histogram = "latency_rtt"
    let medians = tableOverSize("Median (p50) by message size", pattern, .latency(50, of: histogram))
    let percentiles = [50, 90, 99, 99.9, 99.99].map { Figure.latency($0, of: histogram) }
    let costs: [Figure] = [.largest(of: histogram), .spread(of: "\(histogram)_p50"), .cpu()]
    let size = referenceSize(pattern) ?? 0
    let title = "Tail, spread and cost at \(Quantity.size(bytes: Double(size)))"
    let calls = Figure.systemCalls.titled("calls/msg", group: "", rank: 5)
    let tail = table(title, pattern, size: size, [percentiles[2], percentiles[3]] + costs + [calls])
    let distribution = table(title, pattern, size: size, percentiles + costs + Figure.countedCosts)
    let sides: [Figure] = [.cpu("producer"), .cpu("consumer"), .contextSwitches]
    return Section(
      title: "Round trip",
      lead:
        "The producer sends, the consumer echoes, one message is in flight (closed loop). A round trip is "
        + "there and back; it is never halved.",
      brief: [medians, tail],
      full: [
        medians, distribution,
        everyCase(pattern, percentiles + costs.dropLast() + [.messageRate] + sides + Figure.countedCosts),
      ],
      plots: ["latency-over-size", "percentile-spectrum", "latency-over-cpu", "trial-strips", "core-to-core"])
  }

  /// Mechanisms that wake and carry nothing, or a few bytes of their own: never in one table with messages.
  private func notification(_ pattern: String) -> Section {
    let histogram = "latency_rtt"
    let figures =
      [50, 99, 99.9].map { Figure.latency($0, of: histogram) } + [
        .largest(of: histogram), .spread(of: "\(histogram)_p50"), .cpu(),
      ]
    let sources = figures.map { figure -> Source in (figure, { $0.cases.first }) }
    return Section(
      title: "Wake-ups",
      lead:
        "A notification there and one back, in a closed loop. It wakes the other side and carries at most a few "
        + "bytes of its own: no message, so that its size is not swept.",
      brief: [table("Round trip of a wake-up", series(pattern), sources)],
      full: [
        table("Round trip of a wake-up", series(pattern), sources),
        everyCase(
          pattern, figures + [.cpu("producer"), .cpu("consumer"), .contextSwitches] + Figure.countedCosts),
      ])
  }

  private func stream(_ pattern: String) -> Section {
    var rate = Figure.messageRate
    rate.group = "messages/s"
    rate.show = Quantity.bareRate(perSecond:)
    var goodput = Figure.goodput
    goodput.group = "payload/s"
    goodput.show = Quantity.bareGoodput(bytesPerSecond:)
    // Small messages are judged by their number, large ones by their bytes.
    var summary = overSize(pattern) { $0 < 1024 ? rate : goodput }
    if let size = referenceSize(pattern) {
      let group = Quantity.size(bytes: Double(size))
      summary.append((Figure.cpu().titled("CPU/msg", group: group, rank: 2), { $0.at(size) }))
    }
    let sides: [Figure] = [.cpu("producer"), .cpu("consumer"), .contextSwitches]
    return Section(
      title: "Stream",
      lead: "The producer sends as fast as the mechanism accepts. Goodput counts the payload bytes that the "
        + "consumer has read and validated.",
      brief: [table("Message rate and goodput by message size", series(pattern), summary)],
      full: [
        tableOverSize("Message rate by message size", pattern, .messageRate),
        tableOverSize("Goodput by message size", pattern, .goodput),
        everyCase(
          pattern, [.messageRate, .goodput, .spread(of: "message_rate")] + sides + Figure.countedCosts),
      ],
      plots: ["message-rate-over-size", "goodput-over-size"])
  }

  private func batchedStream(_ pattern: String) -> Section {
    let histogram = "latency_batch"
    var rate = Figure.messageRate
    rate.show = Quantity.bareRate(perSecond:)
    let (size, batches) = (referenceSize(pattern) ?? 0, batches(pattern))
    // The middle ones go where there is no room.
    let overBatch = { (figure: Figure, group: String) -> [Source] in
      batches.enumerated().map { index, batch in
        let isEnd = index == 0 || index == batches.count - 1
        return (
          figure.titled("\(batch)", group: group, rank: isEnd ? 0 : batches.count - index),
          { $0.at(size, batch: batch) }
        )
      }
    }
    let table = table(
      "By messages in a batch, \(Quantity.size(bytes: Double(size)))", series(pattern),
      overBatch(rate, "messages/s") + overBatch(.latency(50, of: histogram), "latency p50"))
    return Section(
      title: "Stream in batches",
      lead:
        "As a stream, but messages leave several at a time: one system call, or one store, for a batch. Latency runs from "
        + "before a batch's first message is written until its last one has been read, and is mostly waiting in a full "
        + "channel.",
      brief: [table],
      full: [
        table,
        everyCase(
          pattern,
          [.messageRate, .goodput] + [50, 99, 99.9].map { .latency($0, of: histogram) } + [
            .largest(of: histogram), .spread(of: "message_rate"), .cpu("producer"), .cpu("consumer"),
            .contextSwitches,
          ] + Figure.countedCosts),
      ],
      plots: ["batch-latency-and-rate"])
  }

  private func paced(_ pattern: String) -> Section {
    let service = "latency_service"
    let response = "latency_response"
    let figures = [service, response].flatMap { name in
      [50, 99].map { Figure.latency($0, of: name, group: String(name.dropFirst("latency_".count))) }
    }
    let tables = sizes(pattern).flatMap { size in
      loads(pattern, size: size).map { load in
        let title = "\(Quantity.load(perSecond: load)) offered, \(Quantity.size(bytes: Double(size)))"
        // The producer spins until a message is due; its CPU time says nothing about the mechanism.
        let cpu = Figure.cpu("consumer").titled("CPU/msg", group: "consumer", rank: 2)
        var loaded = table(title, pattern, size: size, rate: load, figures + [cpu, .achieved])
        loaded.notes += notReached(pattern, size, load)
        return loaded
      }
    }
    let tail = Figure.latency(99.9, of: response, group: "response", rank: 1)
    let saturation = sizes(pattern).compactMap { self.saturation(pattern, size: $0) }
    return Section(
      title: "Paced, one way",
      lead: "The producer sends at intended times, whatever the consumer does (open loop). Service time runs "
        + "from the actual send to the receive; response time from the intended send, so that waiting behind "
        + "a slow message counts.",
      brief: tables.count <= 2
        ? tables : tables.prefix(1) + sizes(pattern).map { responseOverLoad(pattern, $0) } + saturation,
      full: saturation + tables + [
        everyCase(pattern, figures + [tail, .achieved, .cpu("producer"), .cpu("consumer")])
      ],
      plots: ["paced-latency-over-rate"])
  }

  /// Where the load was more than the mechanism could carry, its latencies say little.
  private func notReached(_ pattern: String, _ size: Int, _ load: Double) -> [String] {
    let short = series(pattern).compactMap { series -> String? in
      guard let summary = series.at(size, rate: load), let share = Figure.achieved.read(summary).value,
        share < 0.99
      else { return nil }
      return "\(series.name) (\(Quantity.percent(share)))"
    }
    return short.isEmpty ? [] : ["The offered load was not reached by \(short.joined(separator: ", "))."]
  }

  private func responseOverLoad(_ pattern: String, _ size: Int) -> Table {
    let sources = loads(pattern, size: size).enumerated().map { index, load -> Source in
      let title = Quantity.load(perSecond: load)
      let figure = Figure.latency(99, of: "latency_response").titled(
        title, group: "offered load", rank: index)
      return (figure, { $0.at(size, rate: load) })
    }
    let title = "Response time p99 by offered load, \(Quantity.size(bytes: Double(size)))"
    return table(
      title, series(pattern).filter { $0.cases.contains { $0.identity.messageBytes == size } }, sources)
  }

  private func wakeUp(_ pattern: String) -> Section {
    let histogram = "latency_wake_up"
    let overGap = { (percentile: Double) -> Table in
      let sources = gaps(pattern).enumerated().map { index, gap -> Source in
        let figure = Figure.latency(percentile, of: histogram)
          .titled(Quantity.gap(gap), group: "idle for", rank: index % 2)
        return (figure, { $0.at(gap: gap) })
      }
      return table("Wake-up p\(shortestDecimal(percentile)) by idle time", series(pattern), sources)
    }
    let percentiles = [50, 90, 99, 99.9].map { Figure.latency($0, of: histogram) }
    return Section(
      title: "Wake-up, one way",
      lead:
        "The consumer waits, and is idle for a while before the producer sends a message: from the send to the "
        + "receive. Sparse messages are slow where the receiver's CPU falls asleep in between.",
      brief: [overGap(50)],
      full: [
        overGap(50), overGap(99),
        everyCase(
          pattern,
          percentiles + [.largest(of: histogram), .spread(of: "\(histogram)_p50"), .cpu("consumer")]),
      ],
      plots: ["wake-up-over-gap"])
  }

  private func gathering(_ pattern: String) -> Section {
    let histogram = "latency_one_way"
    let latencies = [50, 99].map {
      Figure.latency($0, of: histogram, group: "one way", rank: $0 == 50 ? 0 : 2)
    }
    let figures = [Figure.messageRate] + latencies + [.fairness, .lost, .cpu()]
    let size = referenceSize(pattern) ?? 0
    let tables = crews(pattern).map { crew in
      let series = series(pattern).filter { $0.identity.crew == crew }.map(\.withoutCrew)
      return table(
        "\(crew), \(Quantity.size(bytes: Double(size)))", series, figures.map { ($0, { $0.at(size) }) })
    }
    let isFanIn = pattern.hasPrefix("fan-in")
    let shared =
      "Latency runs from the send to the receive and is mostly waiting in a full channel. Fairness is Jain's index of what "
    return Section(
      title: isFanIn ? "Fan-in" : "Fan-out",
      lead: isFanIn
        ? "Several producers send to one consumer as fast as it lets them; messages per second are those of all. \(shared)"
          + "each producer was let through: 1 where all got the same."
        : "One producer sends to several consumers, each of which gets every message; messages per second are those that "
          + "all consumers received. \(shared)each consumer received. What a consumer lost to a producer that does not wait "
          + "for it is counted.",
      brief: tables,
      full: tables + [
        everyCase(
          pattern,
          [.messageRate, .goodput] + [50, 99, 99.9].map { .latency($0, of: histogram) } + [
            .fairness, .lost, .spread(of: "message_rate"), .cpu("producer"), .cpu("consumer"),
            .contextSwitches,
          ] + Figure.countedCosts)
      ])
  }

  private func connect(_ pattern: String) -> Section {
    let stages = [("set_up", "set-up"), ("first_message", "first message"), ("tear_down", "tear-down")]
    let figures = { (percentiles: [Double]) in
      stages.enumerated().flatMap { index, stage in
        percentiles.map {
          Figure.latency($0, of: "latency_\(stage.0)", group: stage.1, rank: $0 == 50 ? 0 : 1)
        }
      }
    }
    let size = referenceSize(pattern) ?? 0
    let table = table(
      "A connection, at \(Quantity.size(bytes: Double(size)))", series(pattern),
      figures([50, 90]).map { ($0, { $0.at(size) ?? $0.cases.first }) })
    return Section(
      title: "Connection",
      lead:
        "Two processes that are there already connect, exchange one message and part, again and again. Set-up: "
        + "creating the channel and attaching both sides; first message: its round trip; tear-down: giving up both "
        + "sides and removing the channel.",
      brief: [table], full: [table, everyCase(pattern, figures([50, 90, 99]))])
  }

  /// A pattern that has no section of its own yet shows what every pattern measures.
  private func other(_ pattern: String) -> Section {
    let table = everyCase(pattern, [.messageRate, .goodput, .cpu("producer"), .cpu("consumer")])
    return Section(title: pattern, lead: "", brief: [table], full: [table])
  }
}
