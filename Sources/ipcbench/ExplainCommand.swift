import ArgumentParser
import Harness
import IPCTransport
import Measurement
import Mechanisms
import Results

/// What a mechanism is and does, call by call.
struct ExplainCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "explain",
    abstract: "Explains a mechanism: the calls of both sides in order, limits, and when to use it.")

  @Argument(help: "An id, with a variant where that has a page of its own; see 'ipcbench list'.") var id:
    String
  @Option(help: "text or md.") var format: OutputFormat = .text

  func run() throws {
    let name = String(id.prefix { $0 != ":" })
    let variant = String(id.dropFirst(name.count + 1))
    guard let entry = Registry.entries.first(where: { $0.mechanism.id == name }) else {
      let known = Registry.entries.map(\.mechanism.id)
      throw Problem(
        .usage,
        "Unknown mechanism '\(id)'; did you mean '\(nearest(to: name, in: known))'? 'ipcbench list' shows all of them."
      )
    }
    switch format {
    case .text:
      Terminal.data(ExplanationText(entry, variant, isMarkdown: false).lines.joined(separator: "\n"))
    case .md: Terminal.data(ExplanationText(entry, variant, isMarkdown: true).lines.joined(separator: "\n"))
    case .json, .csv: throw Problem(.usage, "'explain' prints text or md.")
    }
  }
}

/// The page about one mechanism.
struct ExplanationText {
  private let mechanism: Mechanism
  /// A variant with a page of its own; nil on the mechanism's.
  private let variant: Mechanism.Variant?
  /// Of each variant, in their order.
  private let facts: [[Fact]]
  private let isMarkdown: Bool
  private let isMultiplexed: Bool
  private static let width = 80
  private static let multiplexing =
    "The descriptors are set O_NONBLOCK. Before each read the side sleeps until the kernel says that there is something: in "
    + "poll(2), in epoll_wait(2) on an instance that holds the descriptor (level-triggered), or in io_uring_enter(2) for an "
    + "IORING_OP_POLL_ADD that leaves with the same call. It writes at once, and sleeps likewise where there is no room. After "
    + "20 ms without either it looks after its peer."

  init(_ entry: MechanismEntry, _ variant: String, isMarkdown: Bool) {
    mechanism = entry.mechanism
    let own = mechanism.variant(variant).flatMap { $0.explanation == nil ? nil : $0 }
    self.variant = own
    facts = (own.map { [$0.name] } ?? mechanism.variantNames).map { Self.facts(entry, $0) }
    self.isMarkdown = isMarkdown
    isMultiplexed = (own.map { [$0.name] } ?? mechanism.variantNames).contains {
      entry.forms(of: $0).contains(where: \.wait.isMultiplexed)
    }
  }

  var lines: [String] {
    let explanation = variant?.explanation ?? mechanism.explanation
    let title = mechanism.id(of: variant?.name ?? "")
    var lines = heading(1, "\(title): \(variant?.summary ?? mechanism.summary)")
    if let counterpart = mechanism.counterpart { lines += [item("answers in Win32: \(counterpart)")] }
    lines += Self.grouped(commonFacts).map { item($0) } + [""] + paragraph(explanation.text)
    if variant == nil && !mechanism.variants.isEmpty {
      lines += [""] + heading(2, "Variants")
      for (variant, facts) in zip(mechanism.variants, facts) {
        var own = Self.grouped(facts.filter { !commonFacts.contains($0) })
        if variant.explanation != nil {
          own.append("see 'ipcbench explain \(mechanism.id(of: variant.name))'")
        }
        let differences = own.isEmpty ? "" : " (\(own.joined(separator: "; ")))"
        lines += item("\(mechanism.id(of: variant.name)): \(variant.summary)\(differences)", hanging: true)
      }
    }
    lines += steps("Producer", explanation.producer) + steps("Consumer", explanation.consumer)
    if isMultiplexed {
      lines += [""] + heading(2, "Waiting by poll, epoll or io-uring") + paragraph(Self.multiplexing)
    }
    lines += [""] + heading(2, "Limits") + explanation.limits.flatMap { item($0, hanging: true) }
    lines += [""] + heading(2, "Use it when") + paragraph(explanation.useWhen)
    lines += [""] + heading(2, "Avoid it when") + paragraph(explanation.avoidWhen)
    if !mechanism.manPages.isEmpty {
      lines += ["", "See \(mechanism.manPages.joined(separator: ", "))."]
    }
    return lines
  }

  /// What is true of all variants; other facts stand with the variant that they are true of.
  private var commonFacts: [Fact] { facts[0].filter { fact in facts.allSatisfy { $0.contains(fact) } } }

  private struct Fact: Equatable {
    var text: String
    /// Whether it shares a line with others.
    var isWord = false
  }

  private static func facts(_ entry: MechanismEntry, _ variant: String) -> [Fact] {
    let traits = entry.mechanism.traits(of: variant)
    let kind = [
      traits.framing.rawValue, traits.direction.rawValue, "reaches \(traits.reach.rawValue)",
      traits.delivery.rawValue,
    ]
    var facts = kind.map { Fact(text: $0, isWord: true) }
    facts.append(Fact(text: "attach: \(traits.attach.map(\.rawValue).joined(separator: ", "))"))
    facts.append(
      Fact(text: "waits: \(entry.forms(of: variant).map(\.wait.rawValue).joined(separator: ", "))"))
    let patterns = entry.patterns(of: variant).map(\.rawValue)
    facts.append(Fact(text: "patterns: \(patterns.joined(separator: ", "))"))
    if traits.framing == .notification {
      let byteCount = traits.minimumMessageByteCount
      facts.append(
        Fact(
          text: byteCount == 0
            ? "carries no message" : "carries \(Units.describe(byteCount: byteCount)) of its own, no message")
      )
    } else {
      facts.append(Fact(text: "payload copies: \(traits.payloadCopies)"))
      if let maximum = traits.maximumMessageByteCount {
        facts.append(Fact(text: "largest message here: \(Units.describe(byteCount: maximum))"))
      }
    }
    return facts
  }

  /// What can stand on one line, on one.
  private static func grouped(_ facts: [Fact]) -> [String] {
    let words = facts.filter(\.isWord).map(\.text).joined(separator: ", ")
    return (words.isEmpty ? [] : [words]) + facts.filter { !$0.isWord }.map(\.text)
  }

  private func steps(_ side: String, _ steps: [Explanation.Step]) -> [String] {
    guard !steps.isEmpty else { return [] }
    var lines = [""] + heading(2, side)
    for (index, step) in steps.enumerated() {
      let number = "\(index + 1)."
      let call = isMarkdown ? "`\(step.call)`" : step.call
      lines += head("\(number) \(call)", step.counterpart)
      lines += wrapped(step.purpose, indent: isMarkdown ? "   " : "     ")
    }
    return lines
  }

  /// A call and what it answers, which stands below it where both do not fit into a line.
  private func head(_ call: String, _ counterpart: String?) -> [String] {
    let answer = counterpart.map { ["[\($0)]"] } ?? []
    let line = ([call] + answer).joined(separator: " ")
    if isMarkdown || line.count <= Self.width { return [line] }
    let calls = wrapped(call, indent: "   ")
    return [String(calls[0].drop { $0 == " " })] + calls.dropFirst()
      + answer.flatMap { wrapped($0, indent: "   ") }
  }

  private func heading(_ level: Int, _ text: String) -> [String] {
    isMarkdown ? [String(repeating: "#", count: level) + " " + text, ""] : wrapped(text, indent: "")
  }

  private func paragraph(_ text: String) -> [String] { wrapped(text, indent: isMarkdown ? "" : "  ") }

  private func item(_ text: String) -> String { isMarkdown ? "- \(text)" : "  \(text)" }

  private func item(_ text: String, hanging: Bool) -> [String] {
    let lines = wrapped(text, indent: "    ")
    return [(isMarkdown ? "- " : "  - ") + lines[0].drop { $0 == " " }]
      + lines.dropFirst().map { isMarkdown ? "  " + $0.drop { $0 == " " } : $0 }
  }

  private func wrapped(_ text: String, indent: String) -> [String] {
    var lines: [String] = []
    var line = indent
    for word in text.split(separator: " ") {
      if line.count + word.count + 1 > Self.width && line != indent {
        lines.append(line)
        line = indent
      }
      line += (line == indent ? "" : " ") + word
    }
    return lines + [line]
  }
}
