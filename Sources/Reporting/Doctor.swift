import Foundation
import Results

/// What the machine does to measurements, and what can be done about it.
///
/// A pure function of the captured environment: it reads nothing and changes nothing.
public enum Doctor {
  public struct Finding: Codable, Sendable, Equatable {
    public enum State: String, Codable, Sendable {
      /// As it should be.
      case ok
      /// Numbers suffer from it.
      case warn
      /// Worth knowing when numbers are compared.
      case info
      /// The machine does not say.
      case unknown
    }

    /// Short and stable: `governor`.
    public var name: String
    public var state: State
    /// What was found: `schedutil`.
    public var value: String
    /// What it does to the numbers, in whole sentences.
    public var effect: String
    /// What to do about it, in whole sentences; empty when there is nothing to do.
    public var remedy: String
    /// The shell command, to be run as root, that the remedy comes to; nil where there is none.
    public var command: String?
    /// What `doctor --apply` sets meanwhile; nil where it leaves the machine as it is.
    public var setting: Setting?

    public init(
      _ name: String, _ state: State, _ value: String, effect: String, remedy: String = "",
      command: String? = nil, setting: Setting? = nil
    ) {
      self.name = name
      self.state = state
      self.value = value
      self.effect = effect
      self.remedy = remedy
      self.command = command ?? setting?.command
      self.setting = setting
    }
  }

  /// A file of the kernel's that holds one value.
  public struct Setting: Codable, Sendable, Equatable {
    /// Below /proc/sys or /sys. A `*` stands for the number of every CPU.
    public var path: String
    public var value: String

    public init(_ path: String, _ value: String) {
      self.path = path
      self.value = value
    }

    static func sysctl(_ name: String, _ value: String) -> Setting {
      Setting("/proc/sys/\(name.replacing(".", with: "/"))", value)
    }

    /// What a shell does to the same end.
    var command: String {
      let sysctls = "/proc/sys/"
      if path.hasPrefix(sysctls) {
        return "sysctl \(path.dropFirst(sysctls.count).replacing("/", with: "."))=\(value)"
      }
      return "echo \(value) | tee \(path)"
    }
  }

  /// All findings, in a fixed order: the processor, the system around it, the limits of processes.
  public static func findings(_ environment: Environment) -> [Finding] {
    processor(environment) + system(environment) + limits(environment)
  }

  /// The findings for a terminal: what needs attention first and in full, then one line each.
  public static func text(_ findings: [Finding], width: Int = 80) -> String {
    text(findings, style: TextStyle(width: width))
  }

  /// The same in the style of a given terminal.
  public static func text(_ findings: [Finding], style: TextStyle) -> String {
    let marks: [Finding.State: String] = [.warn: "!", .info: "i", .unknown: "?", .ok: " "]
    let nameWidth = findings.map(\.name.count).max() ?? 0
    let indent = String(repeating: " ", count: 4)
    var lines: [String] = []
    for state in [Finding.State.warn, .info, .unknown, .ok] {
      for finding in findings where finding.state == state {
        let head = "\(marks[state] ?? " ") \(finding.name.padded(to: nameWidth))  "
        let rest = String(repeating: " ", count: head.count)
        lines += style.wrapped(finding.value, first: head, rest: rest).map {
          style.coloured($0, state == .warn ? .strong : .plain)
        }
        guard state == .warn || state == .info else { continue }
        lines += style.wrapped(finding.effect, first: indent, rest: indent)
        if !finding.remedy.isEmpty { lines += style.wrapped(finding.remedy, first: indent, rest: indent) }
        if let command = finding.command { lines.append("\(indent)  # \(command)") }
        lines.append("")
      }
    }
    let warnings = findings.count { $0.state == .warn }
    let verdict =
      warnings == 0
      ? "Nothing on this machine is known to spoil measurements."
      : "\(counted(warnings, "finding")) will show in the numbers. "
        + "Runs record all of this in environment.json."
    lines += style.wrapped(verdict)
    if findings.contains(where: { $0.setting != nil }) {
      lines += style.wrapped(
        "'ipcbench doctor --apply -- make bench' sets what can be set, and puts it back.")
    }
    return lines.joined(separator: "\n") + "\n"
  }

  /// The findings as a Markdown table.
  public static func markdown(_ findings: [Finding]) -> String {
    let columns = ["check", "state", "found", "effect", "remedy"].map { Table.Column($0, .left) }
    let rows = findings.map { finding in
      let remedy = [finding.remedy, finding.command ?? ""].filter { !$0.isEmpty }.joined(separator: " ")
      return [finding.name, finding.state.rawValue, finding.value, finding.effect, remedy].map {
        Table.Cell($0)
      }
    }
    return Table("", columns: columns, rows: rows).markdown + "\n"
  }

  /// The findings as a JSON array.
  public static func json(_ findings: [Finding]) -> String { prettyJSON(findings) }
}
