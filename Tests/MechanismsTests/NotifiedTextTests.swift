import Foundation
import LinuxIPC
import TestSupport
import Testing

@testable import Mechanisms

/// What row 14 of the mechanisms, the worked example, promises.
struct NotifiedTextTests {
  private func view(_ body: (UnsafeMutableRawBufferPointer) throws -> Void) throws {
    let name = "/ipcbench-test-\(getpid())"
    let object = try SharedObject.createPosix(name: name, byteCount: NotifiedText.mappingByteCount)
    SharedObject.unlinkPosix(name: name)
    defer { object.closeQuietly() }
    let view = try LinuxIPC.Mapping.view(of: object, offset: 0, byteCount: NotifiedText.viewByteCount)
    defer { view.unmap() }
    try body(UnsafeMutableRawBufferPointer(start: view.base, count: view.byteCount))
  }

  @Test func theMappingHasAMillionBytesAndTheViewAThousandAndTwentyFour() throws {
    #expect(NotifiedText.mappingByteCount == 1_000_000)
    try view { #expect($0.count == 1024) }
  }

  @Test func aTextIsPaddedWithZerosToTheEndOfTheView() throws {
    try view { view in
      for index in view.indices { view[index] = 0xFF }
      #expect(NotifiedText.write("hello", in: view) == 5)
      #expect(Array(view.prefix(6)) == Array("hello".utf8) + [0])
      #expect(view.dropFirst(5).allSatisfy { $0 == 0 })
      #expect(NotifiedText.read(UnsafeRawBufferPointer(view)) == "hello")
    }
  }

  @Test func anEmptyTextBecomesNoMessage() throws {
    try view { view in
      #expect(NotifiedText.write("", in: view) == 10)
      #expect(NotifiedText.read(UnsafeRawBufferPointer(view)) == "no message")
    }
  }

  @Test func aTextLongerThanTheViewIsCutAtItsEnd() throws {
    try view { view in
      #expect(NotifiedText.write(String(repeating: "x", count: 5000), in: view) == 1024)
      #expect(NotifiedText.read(UnsafeRawBufferPointer(view)).count == 1024)
    }
  }

  @Test func theFlushReachesTheFile() throws {
    let directory = try temporaryDirectory()
    defer { try? FileManager.default.removeItem(at: directory) }
    let path = directory.appendingPathComponent("text").path
    let file = try SharedObject.createFile(path: path, byteCount: NotifiedText.mappingByteCount)
    defer { file.closeQuietly() }
    let view = try LinuxIPC.Mapping.view(of: file, offset: 0, byteCount: NotifiedText.viewByteCount)
    defer { view.unmap() }
    _ = NotifiedText.write(
      "flushed", in: UnsafeMutableRawBufferPointer(start: view.base, count: view.byteCount))
    #expect(view.flush() == 0)
    let bytes = try Data(contentsOf: URL(fileURLWithPath: path))
    #expect(bytes.count == 1_000_000)
    #expect(bytes.prefix(7) == Data("flushed".utf8))
  }

  @Test func aProcessIsFoundByItsNameOnlyIfItRunsTheSameProgram() throws {
    let sleeper = try Processes.spawn("/bin/sleep", ["30"])
    defer {
      sleeper.kill()
      _ = try? sleeper.reap()
    }
    let program = try #require(
      eventually(within: 5) { ProcessName.executable(of: sleeper.pid)?.hasSuffix("sleep") == true }
        ? ProcessName.executable(of: sleeper.pid) : nil)
    #expect(ProcessName.find("sleep", executable: program).contains(sleeper.pid))
    #expect(!ProcessName.find("sleep", executable: "/bin/something-else").contains(sleeper.pid))
  }
}
