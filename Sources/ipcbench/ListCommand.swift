import ArgumentParser
import Foundation
import Harness
import IPCTransport
import LinuxIPC
import Measurement
import Mechanisms
import Reporting

/// Every mechanism, and whether it runs here.
struct ListCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "list", abstract: "Shows every mechanism, and whether it can run here.")

  @Option(help: "text, json or md.") var format: OutputFormat = .text

  func run() throws {
    let rows = MechanismRow.all(topology: Topology.detect(), scope: ResourceScope())
    switch format {
    case .json:
      let encoder = JSONEncoder()
      encoder.outputFormatting = [.prettyPrinted, .sortedKeys]
      encoder.keyEncodingStrategy = .convertToSnakeCase
      Terminal.data(String(decoding: try encoder.encode(["mechanisms": rows]), as: UTF8.self))
    case .md: Terminal.data(Self.markdown(rows))
    case .text: Terminal.data(Self.text(rows, width: Terminal.width))
    case .csv: throw Problem(.usage, "'list' prints text, json or md.")
    }
  }

  /// The table of the README; what is available differs from machine to machine and is left out.
  private static func markdown(_ rows: [MechanismRow]) -> String {
    let header = ["id", "what it is", "answers in Win32", "framing", "reach", "copies", "attach", "waits"]
    let cells = rows.map { row in
      [
        "`\(row.id)`", row.summary, row.counterpart ?? "", row.framing, row.reach, row.copies,
        row.attach.joined(separator: ", "), row.waits.joined(separator: ", "),
      ]
    }
    return ([header, header.map { _ in "---" }] + cells).map { "| " + $0.joined(separator: " | ") + " |" }
      .joined(separator: "\n")
  }

  /// A mechanism's forms stand below it; what they have in common is said once. Reasons come at the end.
  private static func text(_ rows: [MechanismRow], width: Int) -> String {
    var lines = [["id", "reach", "copies", "here", "what it is"]]
    var last = ""
    for row in rows {
      guard let form = row.form else {
        lines.append(row.cells(row.id, row.summary))
        continue
      }
      if row.mechanism != last { lines.append([row.mechanism, "", "", "", row.mechanismSummary]) }
      lines.append(row.cells("  \(row.id)", form.summary))
      last = row.mechanism
    }
    let widths = (0..<4).map { column in lines.map { $0[column].count }.max() ?? 0 }
    let indent = widths.reduce(0) { $0 + $1 + 2 }
    let table = lines.flatMap { line -> [String] in
      // What several forms have in common has the whole line.
      if line[1].isEmpty { return wrapped("\(line[0]): \(line[4])", to: width) }
      let start = zip(line, widths).map { $0.padding(toLength: $1 + 2, withPad: " ", startingAt: 0) }.joined()
      let words = wrapped(line[4], to: max(width - indent, 24))
      let rest = words.dropFirst().map { String(repeating: " ", count: indent) + $0 }
      return [start + (words.first ?? "")] + rest
    }
    let reasons = rows.compactMap { row in row.reason.map { "\(row.id): \($0)" } }
    return (table + (reasons.isEmpty ? [] : [""] + reasons.flatMap { wrapped($0, to: width) }))
      .joined(separator: "\n")
  }

  private static func wrapped(_ text: String, to width: Int) -> [String] {
    text.split(separator: " ").reduce(into: [String]()) { lines, word in
      if let line = lines.last, line.count + 1 + word.count <= width {
        lines[lines.count - 1] += " " + word
      } else {
        lines.append(String(word))
      }
    }
  }
}

/// A line of the list.
struct MechanismRow: Encodable {
  var id: String
  var summary: String
  var counterpart: String?
  var framing: String
  var direction: String
  var reach: String
  var delivery: String
  var attach: [String]
  var waits: [String]
  var patterns: [String]
  var payloadCopies: Int
  var minimumMessageBytes: Int
  var maximumMessageBytes: Int?
  var manPages: [String]
  var available: Bool
  var reason: String?

  private(set) var mechanism = ""
  private(set) var mechanismSummary = ""
  private(set) var form: Mechanism.Variant?

  private enum CodingKeys: String, CodingKey {
    case id, summary, counterpart, framing, direction, reach, delivery, attach, waits, patterns, payloadCopies
    case minimumMessageBytes, maximumMessageBytes, manPages, available, reason
  }

  func cells(_ name: String, _ summary: String) -> [String] {
    [name, reach, copies, available ? "yes" : "no", summary]
  }

  /// Copies as people read them: a notification has no payload to copy.
  var copies: String { framing == Traits.Framing.notification.rawValue ? "–" : String(payloadCopies) }

  static func all(topology: Topology, scope: ResourceScope) -> [MechanismRow] {
    defer { scope.removeAll() }
    return Registry.entries.flatMap { entry in
      entry.mechanism.variantNames.map { MechanismRow(entry, $0, topology, scope) }
    }
  }

  private init(
    _ entry: MechanismEntry, _ variant: String, _ topology: Topology, _ scope: ResourceScope
  ) {
    let mechanism = entry.mechanism
    let traits = mechanism.traits(of: variant)
    let forms = entry.forms(of: variant)
    id = mechanism.id(of: variant)
    self.mechanism = mechanism.id
    mechanismSummary = mechanism.summary
    form = mechanism.variant(variant)
    summary = mechanism.variant(variant).map { "\(mechanism.summary): \($0.summary)" } ?? mechanism.summary
    counterpart = mechanism.counterpart
    framing = traits.framing.rawValue
    direction = traits.direction.rawValue
    reach = traits.reach.rawValue
    delivery = traits.delivery.rawValue
    attach = traits.attach.map(\.rawValue)
    waits = forms.map(\.wait.rawValue)
    patterns = entry.patterns(of: variant).map(\.rawValue)
    payloadCopies = traits.payloadCopies
    minimumMessageBytes = traits.minimumMessageByteCount
    maximumMessageBytes = traits.maximumMessageByteCount
    manPages = mechanism.manPages
    do throws(TransportError) {
      try forms[0].probe(
        ChannelSpec(
          variant: variant, wait: forms[0].wait, attach: traits.attach[0],
          messageByteCount: min(64, traits.maximumMessageByteCount ?? 64), topology: topology, scope: scope,
          serial: 0))
      available = true
    } catch {
      available = false
      reason = error.description
    }
  }
}
