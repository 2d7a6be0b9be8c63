import Foundation
import IPCTransport
import LinuxIPC
import TestSupport
import Testing

@testable import Mechanisms

/// What shared data in a library promises. Each loader is a process of its own.
struct SharedLibraryTests {
  private static let library = Programs.folder.appendingPathComponent(SharedSection.fileName).path

  /// `enum ipcbench_section_status`, as a loader prints it.
  private func said(_ status: SharedSection.Status) -> String { String(status.rawValue) }

  // MARK: Initial values

  @Test func initialValuesComeFromTheImage() throws {
    let folder = try Folder()
    let loader = try Loader(Self.library)
    #expect(try loader("load \(folder.file("section"))") == said(.first))
    #expect(try loader("counter") == "42")
    #expect(try loader("text") == "from the image")
    let last = try #require(Int(try loader("size"))) - 1
    for offset in [0, 4096, last] { #expect(try loader("byte \(offset)") == "0") }
  }

  @Test func theFirstLoaderSeedsAndTheSecondSeesWhatHasBecomeOfThem() throws {
    let folder = try Folder()
    let (first, second) = (try Loader(Self.library), try Loader(Self.library))
    #expect(try first("load \(folder.file("section"))") == said(.first))
    try first.tell("count 100", "say changed", "mark 5000")
    #expect(try second("load \(folder.file("section"))") == said(.joined))
    #expect(try second("counter") == "142")
    #expect(try second("text") == "changed")
    #expect(try second("byte 5000") == "1")
  }

  @Test func aProcessCanLoadItAgainAndAgainEachTimeAfresh() throws {
    let folder = try Folder()
    let loader = try Loader(Self.library)
    for name in ["one", "other", "one", "one"] {
      #expect(try loader("load \(folder.file(name))") == said(.first))
      #expect(try loader("counter") == "42")
      #expect(try loader("byte 9") == "0")
      try loader.tell("count 1", "mark 9", "unload")
    }
  }

  @Test func theZeroPartTakesNoRoomInTheFileOfTheLibrary() throws {
    let size = try #require(
      try FileManager.default.attributesOfItem(atPath: Self.library)[.size] as? Int)
    #expect(size < 1 << 20)
  }

  // MARK: Sharing

  @Test func twoProcessesSeeEachOthersWritesWithoutAnyCall() throws {
    let folder = try Folder()
    let (one, other) = (try Loader(Self.library), try Loader(Self.library))
    for loader in [one, other] { try loader.tell("load \(folder.file("section"))") }
    try one.tell("count 1", "say there")
    #expect(try other("counter") == "43" && other("text") == "there")
    try other.tell("count 1", "say back")
    #expect(try one("counter") == "44" && one("text") == "back")
    let last = try #require(Int(try one("size"))) - 1
    try one.tell("mark \(last)")
    #expect(try other("byte \(last)") == "1")
  }

  @Test func otherVariablesStayPrivateToEachProcess() throws {
    let folder = try Folder()
    let (one, other) = (try Loader(Self.library), try Loader(Self.library))
    for loader in [one, other] { try loader.tell("load \(folder.file("section"))") }
    try one.tell("own-count 5")
    #expect(try one("own") == "12 5")
    #expect(try other("own") == "7 0")
  }

  @Test func sectionsOfDifferentNamesHaveNothingInCommon() throws {
    let folder = try Folder()
    let (one, other) = (try Loader(Self.library), try Loader(Self.library))
    #expect(try one("load \(folder.file("one"))") == said(.first))
    #expect(try other("load \(folder.file("other"))") == said(.first))
    try one.tell("count 1")
    #expect(try other("counter") == "42")
  }

  @Test func whatIsSharedIsAtTheAddressOfItsSymbolAndInPagesOfItsOwn() throws {
    let folder = try Folder()
    let path = folder.file("section")
    let loader = try Loader(Self.library)
    try loader.tell("load \(path)")
    let size = try #require(Int(try loader("size")))
    for (symbol, offset, byteCount) in [
      ("ipcbench_section", 0, 4096), ("ipcbench_section_memory", 4096, size),
    ] {
      let address = try #require(UInt(try loader("address \(symbol)")))
      #expect(address % 4096 == 0)
      let range = "\(String(address, radix: 16))-\(String(address + UInt(byteCount), radix: 16)) rw-s "
      let line = try #require(loader.maps.first { $0.hasPrefix(range) }, "\(loader.maps)")
      #expect(line.hasSuffix(" \(path)"))
      // Its offset in the file.
      #expect(line.split(separator: " ").dropFirst(2).first.flatMap { Int($0, radix: 16) } == offset)
    }
  }

  @Test func withoutANameTheDataStayPrivate() throws {
    let (one, other) = (try Loader(Self.library), try Loader(Self.library))
    for loader in [one, other] { #expect(try loader("load") == said(.ownData)) }
    try one.tell("count 1", "mark 0")
    #expect(try one("counter") == "43")
    #expect(try other("counter") == "42" && other("byte 0") == "0")
    #expect(!one.maps.contains { $0.contains("rw-s") })
  }

  // MARK: The end of a section

  @Test func theSectionVanishesWithTheLastProcessThatUnloads() throws {
    let folder = try Folder()
    let (one, other) = (try Loader(Self.library), try Loader(Self.library))
    for loader in [one, other] { try loader.tell("load \(folder.file("section"))") }
    try one.tell("unload")
    #expect(folder.holds("section"))
    #expect(try other("counter") == "42")
    try other.tell("unload")
    #expect(!folder.holds("section"))
    for loader in [one, other] { #expect(!loader.maps.contains { $0.contains(folder.path) }) }
  }

  @Test func theSectionVanishesWhenItsProcessesExit() throws {
    let folder = try Folder()
    let (one, other) = (try Loader(Self.library), try Loader(Self.library))
    for loader in [one, other] { try loader.tell("load \(folder.file("section"))") }
    one.end(by: "exit")
    #expect(folder.holds("section"))
    other.end(by: "exit")
    #expect(!folder.holds("section"))
  }

  @Test(arguments: ["kill", "_exit"])
  func whatAProcessThatRanNoDestructorLeftIsSeededAnew(_ end: String) throws {
    let folder = try Folder()
    let victim = try Loader(Self.library)
    try victim.tell("load \(folder.file("section"))", "count 100", "say stale", "mark 5000")
    victim.end(by: end)
    #expect(folder.holds("section"))
    let next = try Loader(Self.library)
    #expect(try next("load \(folder.file("section"))") == said(.first))
    #expect(try next("counter") == "42" && next("text") == "from the image" && next("byte 5000") == "0")
    try next.tell("unload")
    #expect(!folder.holds("section"))
  }

  @Test func aSectionSurvivesAProcessThatIsKilledWhileAnotherHasItLoaded() throws {
    let folder = try Folder()
    let (victim, survivor) = (try Loader(Self.library), try Loader(Self.library))
    for loader in [victim, survivor] { try loader.tell("load \(folder.file("section"))") }
    try victim.tell("count 100")
    victim.end(by: "kill")
    let next = try Loader(Self.library)
    #expect(try next("load \(folder.file("section"))") == said(.joined))
    #expect(try next("counter") == "142" && survivor("counter") == "142")
  }

  @Test func loadersThatComeAndGoAtOnceFindItSeededAndLeaveNothing() throws {
    let folder = try Folder()
    let loaders = try (0..<4).map { _ in try Loader(Self.library) }
    for loader in loaders { try loader.send("come-and-go 200 \(folder.file("section"))") }
    for loader in loaders { #expect(try loader.answer() == "done") }
    #expect(!folder.holds("section"))
  }

  // MARK: What is refused

  @Test func aSectionThatWasCutShortWhileInUseIsRefused() throws {
    let folder = try Folder()
    let (one, other) = (try Loader(Self.library), try Loader(Self.library))
    try one.tell("load \(folder.file("section"))")
    #expect(truncate(folder.file("section"), 8192) == 0)
    #expect(try other("load \(folder.file("section"))") == said(.resized))
    // Touching it is not a SIGBUS: what it has is its own.
    #expect(try other("byte 100000") == "0")
    #expect(!other.maps.contains { $0.contains(folder.path) })
  }

  @Test func aFileThatIsNotOursIsRefusedAndLeftAlone() throws {
    let folder = try Folder()
    for (name, content) in [("short", "theirs"), ("long", String(repeating: "theirs", count: 10_000))] {
      try content.write(toFile: folder.file(name), atomically: false, encoding: .utf8)
      let loader = try Loader(Self.library)
      #expect(try loader("load \(folder.file(name))") == said(.notOurs))
      #expect(try loader("counter") == "42")
      try loader.tell("unload")
      #expect(try String(contentsOfFile: folder.file(name), encoding: .utf8) == content)
    }
  }

  @Test func aLinkADirectoryAndAPlaceThatIsNotThereAreRefusedByTheirErrors() throws {
    let folder = try Folder()
    try FileManager.default.createSymbolicLink(
      atPath: folder.file("link"), withDestinationPath: folder.file("elsewhere"))
    for (path, error) in [
      (folder.file("link"), ELOOP), (folder.path, EISDIR), (folder.file("no/section"), ENOENT),
    ] {
      let loader = try Loader(Self.library)
      #expect(try loader("load \(path)") == said(.failed))
      #expect(try loader("fault") == "open \(error)")
    }
    #expect(!folder.holds("elsewhere"))
  }

  @Test(arguments: ["section", "./section", "/" + String(repeating: "x", count: 5000)])
  func aNameThatIsNoAbsolutePathIsRefused(_ path: String) throws {
    let loader = try Loader(Self.library)
    #expect(try loader("load \(path)") == said(.badPath))
  }

  @Test func everyRefusalIsASentenceThatNamesTheFile() {
    let call = SystemError("posix_fallocate", "/dev/shm/x", errno: .noSpace)
    for code in 0... {
      guard let status = SharedSection.Status(rawValue: Int32(code)) else {
        #expect(code == 9)
        break
      }
      let fault = SharedSection.fault(status, "/dev/shm/x", call)
      guard ![.ownData, .first, .joined].contains(status) else {
        #expect(fault == nil)
        continue
      }
      expectOneSentence(fault?.description ?? "")
      #expect(status == .pageSize || fault?.description.contains("/dev/shm/x") == true)
    }
  }

  @Test func aLibraryThatIsMissingIsToBeBuilt() throws {
    let folder = try Folder()
    let path = folder.file(SharedSection.fileName)
    let error = try refusal { try SharedSection.load(from: path, sharing: nil).unload() }
    expectOneSentence(error.description)
    #expect(error.code == .unavailable)
    #expect(error.description.contains(path) && error.description.contains("swift build"))
  }

  @Test func aLibraryThatIsDamagedIsToBeBuiltAgain() throws {
    let folder = try Folder()
    let path = folder.file(SharedSection.fileName)
    try "no library".write(toFile: path, atomically: false, encoding: .utf8)
    let error = try refusal { try SharedSection.load(from: path, sharing: nil).unload() }
    expectOneSentence(error.description)
    #expect(error.code == .unavailable && error.description.contains(path))
  }

  @Test func aProcessThatHasItLoadedWithOtherDataIsTold() throws {
    let section = try SharedSection.load(from: Self.library, sharing: nil)
    defer { section.unload() }
    let fault = try #require(section.fault(sharing: "/dev/shm/x"))
    expectOneSentence(fault.description)
    #expect(fault.code == .unsupported && fault.description.contains("data of this process's own"))
  }

  // MARK: The rings

  @Test(arguments: [WaitKind.spin, .yield, .block, .spinThenBlock])
  func theRingsOfEveryMessageSizeFit(_ wait: WaitKind) throws {
    let loader = try Loader(Self.library)
    try loader.tell("load")
    let available = try #require(Int(try loader("size")))
    let largest = try #require(SharedLibrary.mechanism.traits(of: "").maximumMessageByteCount)
    var spec = ChannelSpec(
      wait: wait, attach: .name, messageByteCount: 0, topology: .detect(), scope: ResourceScope(),
      serial: 900_003)
    for inFlight in [1, nil] {
      spec.messagesInFlight = inFlight
      // Sizes of one stride need the more slots the smaller they are, so the first of each decides.
      for size in [0, largest] + Array(stride(from: 1, through: largest, by: 64)) {
        spec.messageByteCount = size
        let needed = RingLayout(spec).byteCount
        if needed > available { Issue.record("\(size) bytes need \(needed)") }
      }
    }
  }
}

/// A process that has the library loaded and does as it is told.
private final class Loader {
  private let process = Process()
  private let commands = Foundation.Pipe()
  private let answers = Foundation.Pipe()

  init(_ library: String) throws {
    process.executableURL = Programs.folder.appendingPathComponent("SectionLoader")
    process.arguments = [library]
    process.currentDirectoryURL = URL(fileURLWithPath: "/")
    process.standardInput = commands
    process.standardOutput = answers
    try process.run()
  }

  deinit { end(by: "kill") }

  func send(_ command: String) throws {
    try commands.fileHandleForWriting.write(contentsOf: Data("\(command)\n".utf8))
  }

  func answer() throws -> String {
    let descriptor = answers.fileHandleForReading.fileDescriptor
    var bytes: [UInt8] = []
    while bytes.last != UInt8(ascii: "\n") {
      try #require(Readiness.canRead(descriptor, milliseconds: 30_000), "the loader does not answer")
      var byte: UInt8 = 0
      try #require(read(descriptor, &byte, 1) == 1, "the loader has ended")
      bytes.append(byte)
    }
    return String(decoding: bytes.dropLast(), as: UTF8.self)
  }

  func callAsFunction(_ command: String) throws -> String {
    try send(command)
    return try answer()
  }

  /// Commands whose answers are of no interest.
  func tell(_ commands: String...) throws {
    for command in commands { _ = try self(command) }
  }

  /// By its own doing, or killed.
  func end(by command: String) {
    guard process.isRunning else { return }
    if command == "kill" { kill(process.processIdentifier, SIGKILL) } else { try? send(command) }
    process.waitUntilExit()
  }

  /// Lines of /proc/PID/maps (proc_pid_maps(5)).
  var maps: [String] {
    (TextFile.read("/proc/\(process.processIdentifier)/maps") ?? "").split(separator: "\n").map(String.init)
  }
}
