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
    case .text: Terminal.data(Self.text(rows))
    case .csv: throw Problem(.usage, "'list' prints text, json or md.")
    }
  }

  private static let header = ["id", "what it is", "reach", "copies", "waits", "here"]

  private static func cells(_ row: MechanismRow) -> [String] {
    [
      row.id, row.summary, row.reach, String(row.payloadCopies), row.waits.joined(separator: " "),
      row.reason ?? "yes",
    ]
  }

  private static func markdown(_ rows: [MechanismRow]) -> String {
    let lines = [header] + [header.map { _ in "---" }] + rows.map(cells)
    return lines.map { "| " + $0.joined(separator: " | ") + " |" }.joined(separator: "\n")
  }

  private static func text(_ rows: [MechanismRow]) -> String {
    let lines =
      [["id", "what it is", "reach", "copies", "here"]]
      + rows.map { row in
        [row.id, row.summary, row.reach, String(row.payloadCopies), row.reason ?? "yes"]
      }
    let widths = lines[0].indices.map { column in lines.map { $0[column].count }.max() ?? 0 }
    return lines.map { line in
      zip(line, widths).map { $0.padding(toLength: $1, withPad: " ", startingAt: 0) }
        .joined(separator: "  ").trimmingCharacters(in: .whitespaces)
    }.joined(separator: "\n")
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
  var payloadCopies: Int
  var maximumMessageBytes: Int?
  var manPages: [String]
  var available: Bool
  var reason: String?

  static func all(topology: Topology, scope: ResourceScope) -> [MechanismRow] {
    Registry.entries.flatMap { entry in
      let variants = entry.mechanism.variants
      return variants.isEmpty
        ? [MechanismRow(entry, nil, topology, scope)]
        : variants.map { MechanismRow(entry, $0, topology, scope) }
    }
  }

  private init(
    _ entry: MechanismEntry, _ variant: Mechanism.Variant?, _ topology: Topology, _ scope: ResourceScope
  ) {
    let mechanism = entry.mechanism
    id = variant.map { "\(mechanism.id):\($0.name)" } ?? mechanism.id
    summary = variant.map { "\(mechanism.summary): \($0.summary)" } ?? mechanism.summary
    counterpart = mechanism.counterpart
    framing = mechanism.traits.framing.rawValue
    direction = mechanism.traits.direction.rawValue
    reach = mechanism.traits.reach.rawValue
    delivery = mechanism.traits.delivery.rawValue
    attach = mechanism.traits.attach.map(\.rawValue)
    waits = entry.forms.map(\.wait.rawValue)
    payloadCopies = mechanism.traits.payloadCopies
    maximumMessageBytes = mechanism.traits.maximumMessageByteCount
    manPages = mechanism.manPages
    do throws(TransportError) {
      try entry.forms[0].probe(
        ChannelSpec(
          variant: variant?.name ?? "", attach: mechanism.traits.attach[0], messageByteCount: 64,
          topology: topology, scope: scope, serial: 0))
      available = true
    } catch {
      available = false
      reason = error.description
    }
  }
}
