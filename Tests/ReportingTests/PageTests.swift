import Foundation
import Results
import Testing

@testable import Reporting

@Suite("The page")
struct PageTests {
  private let svg = """
    <?xml version="1.0"?>
    <!DOCTYPE svg PUBLIC "-//W3C//DTD SVG 1.1//EN" "http://www.w3.org/Graphics/SVG/1.1/DTD/svg11.dtd">
    <svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 9 9"><defs><circle id='gpDot' r='0.5'/></defs>
    <g id="gnuplot_plot_1"><use xlink:href='#gpDot'/><path clip-path="url(#a)"/></g></svg>
    """

  private func plot(_ name: String, svg: String? = nil) -> Plot {
    Plot(
      name: name, title: "A <title>", caption: "A & b", svg: svg ?? self.svg, path: "plots/out/r/\(name).svg")
  }

  private func run() -> Run {
    var made = MadeUpRun()
    made.samples = 100
    made.sizes = [64]
    return made.make()
  }

  @Test("it needs nothing beside itself: no script, no link out, no import")
  func itIsSelfContained() {
    let page = htmlReport(run(), plots: [plot("latency-over-size")])
    for forbidden in ["<script", "<link", "<img", "<iframe", "@import", "url(http", "src=", "javascript:"] {
      #expect(!page.contains(forbidden))
    }
    #expect(!page.contains("href=\"http"))
    #expect(page.contains("prefers-color-scheme: dark"))
    #expect(page.contains("name=\"viewport\""))
  }

  @Test("pictures on one page do not share ids")
  func picturesDoNotShareIDs() throws {
    let page = htmlReport(run(), plots: [plot("latency-over-size"), plot("percentile-spectrum")])
    #expect(page.contains("id='latency-over-size-gpDot'"))
    #expect(page.contains("xlink:href='#percentile-spectrum-gpDot'"))
    #expect(page.contains("url(#latency-over-size-a)"))
    let ids = page.matches(of: /\bid=["']([^"']+)["']/).map { String($0.1) }
    #expect(Set(ids).count == ids.count)
    #expect(!page.contains("<!DOCTYPE svg"))
  }

  @Test("a picture that could act is left out")
  func aPictureThatCouldActIsLeftOut() {
    let page = htmlReport(run(), plots: [plot("latency-over-size", svg: "<svg><SCRIPT>1</SCRIPT></svg>")])
    #expect(!page.lowercased().contains("<script"))
    #expect(!page.contains("<figure>"))
  }

  @Test("what the machine, the command and the trials say is text, never markup")
  func everythingIsEscaped() {
    let evil = "<b onmouseover='x()'>&\"</b>"
    var run = run()
    run.environment.cpu.model = evil
    run.environment.kernel.release = evil
    run.plan.command = ["ipcbench", evil]
    run.plan.suite = evil
    run.warnings = [evil]
    for index in run.trials.indices { run.trials[index].identity.variant = evil }
    run.trials[0].status = .failed
    run.trials[0].reason = evil
    #expect(!htmlReport(run).contains("<b "))
    let markdown = markdownReport(run)
    let code = markdown.range(of: "```sh")!.lowerBound
    #expect(!markdown[..<code].contains("<b "))
  }

  @Test("Markdown links to the pictures as seen from the run")
  func markdownLinksToPictures() {
    let markdown = markdownReport(run(), plots: [plot("latency-over-size")])
    #expect(markdown.contains("](../../plots/out/r/latency-over-size.svg)"))
  }

  @Test("a directory without pictures, and an empty picture, are no pictures")
  func emptyPicturesAreNone() throws {
    let directory = FileManager.default.temporaryDirectory.appendingPathComponent(
      "plots-\(UUID().uuidString)")
    try FileManager.default.createDirectory(at: directory, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(at: directory) }
    #expect(Plot.load(from: directory.path).isEmpty)
    try Data().write(to: directory.appendingPathComponent("latency-over-size.svg"))
    try Data(svg.utf8).write(to: directory.appendingPathComponent("goodput-over-size.svg"))
    #expect(Plot.load(from: directory.path).map(\.name) == ["goodput-over-size"])
  }
}
