import Foundation
import Glibc
import Reporting

/// What the command writes where: data to standard output, everything else to standard error.
enum Terminal {
  static func error(_ sentence: String) { write("ipcbench: \(sentence)\n", to: 2) }
  static func note(_ sentence: String) { write("\(sentence)\n", to: 2) }
  /// By byte: Swift takes the CR LF at the end of CSV for one character, which is not a line feed.
  static func data(_ text: String) { write(text.utf8.last == 0x0A ? text : text + "\n", to: 1) }

  static func write(_ text: String, to descriptor: Int32) {
    var bytes = Array(text.utf8)[...]
    while !bytes.isEmpty {
      let written = bytes.withUnsafeBytes { Glibc.write(descriptor, $0.baseAddress, $0.count) }
      if written < 0 && errno == EINTR { continue }
      // A reader that went away (`| head`) has seen what it wanted. Data that are lost otherwise, as on a full disk,
      // must not look like success.
      if written <= 0 && errno != EPIPE && descriptor == 1 {
        error("Cannot write to standard output: \(String(cString: strerror(errno))).")
        Glibc.exit(ExitCode.toolFailed.rawValue)
      }
      if written <= 0 { return }
      bytes = bytes.dropFirst(written)
    }
  }

  private static func variable(_ name: String) -> String? { ProcessInfo.processInfo.environment[name] }

  /// A line that is written over needs a terminal that can, and somebody who looks.
  static var showsLiveProgress: Bool { isatty(2) == 1 && variable("TERM") != "dumb" && variable("CI") == nil }

  /// What standard output can show.
  static var style: TextStyle {
    TextStyle(
      isTerminal: isatty(1) == 1, width: min(width, 100), variables: ProcessInfo.processInfo.environment)
  }

  /// Columns of the terminal, 80 where there is none.
  static var width: Int {
    var size = winsize()
    return ioctl(1, UInt(TIOCGWINSZ), &size) == 0 && size.ws_col > 0 ? Int(size.ws_col) : 80
  }
}
