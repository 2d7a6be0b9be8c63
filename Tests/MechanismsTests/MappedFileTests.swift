import Foundation
import IPCTransport
import LinuxIPC
import Mechanisms
import TestSupport
import Testing

/// What a file mapping promises (CreateFileMapping, MapViewOfFile): the objects, and the ways to share them.
struct MappedFileTests {
  private static let byteCount = 3 * 4096

  private func bytes(_ mapping: LinuxIPC.Mapping, _ offset: Int = 0, _ count: Int = 5) -> String {
    String(decoding: UnsafeRawBufferPointer(start: mapping.base + offset, count: count), as: UTF8.self)
  }

  private func write(_ text: String, _ mapping: LinuxIPC.Mapping, _ offset: Int = 0) {
    UnsafeMutableRawBufferPointer(start: mapping.base, count: mapping.byteCount)[offset...]
      .copyBytes(from: text.utf8)
  }

  /// Whether the kernel still has the object on behalf of this process.
  private func isHeld(_ path: String) -> Bool {
    let maps = TextFile.read("/proc/self/maps") ?? ""
    let descriptors = ((try? FileManager.default.contentsOfDirectory(atPath: "/proc/self/fd")) ?? []).map {
      (try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/fd/\($0)")) ?? ""
    }
    return maps.contains(path) || descriptors.contains { $0.contains(path) }
  }

  @Test func aStoreThroughOneViewIsSeenThroughAnotherWithoutAnyCall() throws {
    let folder = try Folder()
    let file = try SharedObject.createFile(path: folder.file("object"), byteCount: Self.byteCount)
    defer { file.closeQuietly() }
    let one = try LinuxIPC.Mapping.shared(file, byteCount: Self.byteCount)
    let other = try LinuxIPC.Mapping.shared(file, byteCount: Self.byteCount)
    defer { [one, other].forEach { $0.unmap() } }
    #expect(one.base != other.base)
    write("there", one, 100)
    #expect(bytes(other, 100) == "there")
    write("back.", other, 100)
    #expect(bytes(one, 100) == "back.")
  }

  @Test func aThreadThatLooksSeesAStoreThroughItsOwnView() throws {
    let object = try SharedObject.createMemfd(name: "test", byteCount: 4096)
    defer { object.closeQuietly() }
    let ours = try LinuxIPC.Mapping.shared(object, byteCount: 4096)
    let theirs = try LinuxIPC.Mapping.shared(object, byteCount: 4096)
    defer { [ours, theirs].forEach { $0.unmap() } }
    let looker = OtherSide { () -> Bool in
      let word = Futex(at: theirs.base + 64)
      return eventually(within: 15) { word.load() == 7 }
    }
    Futex(at: ours.base + 64).store(7)
    #expect(try looker.value())
  }

  @Test func aViewMayBeSmallerThanTheObjectAndBeginAtAnOffset() throws {
    let object = try SharedObject.createMemfd(name: "test", byteCount: Self.byteCount)
    defer { object.closeQuietly() }
    let whole = try LinuxIPC.Mapping.shared(object, byteCount: Self.byteCount)
    let view = try LinuxIPC.Mapping.view(of: object, offset: 4096, byteCount: 4096)
    defer { [whole, view].forEach { $0.unmap() } }
    #expect(view.byteCount == 4096)
    write("whole", whole, 4096 + 10)
    #expect(bytes(view, 10) == "whole")
    write("view.", view, 4091)
    #expect(bytes(whole, 4096 + 4091) == "view.")
    #expect(bytes(whole, 0) == "\0\0\0\0\0" && bytes(whole, 8192) == "\0\0\0\0\0")
  }

  @Test func aViewThatBeginsInsideAPageIsRefused() throws {
    let object = try SharedObject.createMemfd(name: "test", byteCount: Self.byteCount)
    defer { object.closeQuietly() }
    let error = try #require(throws: SystemError.self) {
      try LinuxIPC.Mapping.view(of: object, offset: 100, byteCount: 4096).unmap()
    }
    #expect(error.operation == "mmap" && error.errno == .invalidArgument)
  }

  @Test func anObjectLivesUntilItsLastHandleIsClosedAlsoWhenItsNameIsGone() throws {
    let folder = try Folder()
    let path = folder.file("object")
    let first = try SharedObject.createFile(path: path, byteCount: 4096)
    let last = try SharedObject.openFile(path: path)
    let mapping = try LinuxIPC.Mapping.shared(first, byteCount: 4096)
    write("alive", mapping)
    SharedObject.removeFile(path: path)
    mapping.unmap()
    first.closeQuietly()
    #expect(throws: SystemError.self) { try SharedObject.openFile(path: path).closeQuietly() }

    #expect(isHeld(path))
    let again = try LinuxIPC.Mapping.shared(last, byteCount: 4096)
    #expect(bytes(again) == "alive")
    last.closeQuietly()
    // A mapping is a handle too.
    #expect(isHeld(path) && bytes(again) == "alive")
    again.unmap()
    #expect(!isHeld(path))
  }

  @Test func theMappingDoesNotHaveTheNameOfItsFile() throws {
    let folder = try Folder()
    let file = try SharedObject.createFile(path: folder.file("old"), byteCount: 4096)
    defer { file.closeQuietly() }
    let mapping = try LinuxIPC.Mapping.shared(file, byteCount: 4096)
    defer { mapping.unmap() }
    try FileManager.default.moveItem(atPath: folder.file("old"), toPath: folder.file("new"))
    let renamed = try SharedObject.openFile(path: folder.file("new"))
    defer { renamed.closeQuietly() }
    let other = try LinuxIPC.Mapping.shared(renamed, byteCount: 4096)
    defer { other.unmap() }
    write("same.", mapping)
    #expect(bytes(other) == "same.")
  }

  @Test func theSizeOfAMemfdIsSealed() throws {
    let object = try SharedObject.createMemfd(name: "test", byteCount: Self.byteCount)
    defer { object.closeQuietly() }
    for size in [0, 4096, Self.byteCount - 1, Self.byteCount + 1, 10 * Self.byteCount] {
      #expect(ftruncate(object.rawValue, off_t(size)) == -1)
      #expect(errno == EPERM, "to \(size) bytes")
    }
    #expect(try SharedObject.byteCount(of: object) == Self.byteCount)
  }

  @Test func aFileHasItsFinalSizeWhenItIsCreated() throws {
    let folder = try Folder()
    let file = try SharedObject.createFile(path: folder.file("object"), byteCount: Self.byteCount)
    defer { file.closeQuietly() }
    var info = stat()
    #expect(fstat(file.rawValue, &info) == 0)
    #expect(Int(info.st_size) == Self.byteCount)
    // Reserved, not only promised.
    #expect(Int(info.st_blocks) * 512 >= Self.byteCount)
    #expect(info.st_mode & 0o077 == 0)
  }

  @Test func aFileWhoseNameIsTakenIsRefusedAndLeftAlone() throws {
    let folder = try Folder()
    try "somebody else's".write(toFile: folder.file("object"), atomically: false, encoding: .utf8)
    let error = try #require(throws: SystemError.self) {
      try SharedObject.createFile(path: folder.file("object"), byteCount: 4096).closeQuietly()
    }
    #expect(error.errno == .fileExists)
    #expect(try String(contentsOfFile: folder.file("object"), encoding: .utf8) == "somebody else's")
  }

  @Test func aDuplicatedHandleMapsTheSameObject() throws {
    let object = try SharedObject.createMemfd(name: "test", byteCount: 4096)
    let ours = try LinuxIPC.Mapping.shared(object, byteCount: 4096)
    defer { ours.unmap() }
    let handle = try Handle.duplicate(object.rawValue, of: getpid())
    defer { handle.closeQuietly() }
    #expect(handle.rawValue != object.rawValue)
    #expect(fcntl(handle.rawValue, F_GETFD) & FD_CLOEXEC != 0)
    // Another handle, not another name of the first one.
    object.closeQuietly()
    let theirs = try LinuxIPC.Mapping.shared(handle, byteCount: 4096)
    defer { theirs.unmap() }
    write("dup..", ours)
    #expect(bytes(theirs) == "dup..")
  }

  @Test func aHandleThatTheOtherProcessDoesNotHaveIsAnError() throws {
    let error = try #require(throws: SystemError.self) {
      try Handle.duplicate(1_000_000, of: getpid()).closeQuietly()
    }
    #expect(error.errno == .badFileDescriptor)
  }

  @Test func aDescriptorThatWasPassedOverASocketMapsTheSameObject() throws {
    let (here, there) = try Socket.pair(.stream)
    defer { [here, there].forEach { $0.close() } }
    let object = try SharedObject.createMemfd(name: "test", byteCount: 4096)
    let ours = try LinuxIPC.Mapping.shared(object, byteCount: 4096)
    defer { ours.unmap() }
    try Handle.send(object, over: here)
    // The message holds the object.
    object.closeQuietly()
    let passed = try Handle.receive(over: there)
    defer { passed.closeQuietly() }
    #expect(fcntl(passed.rawValue, F_GETFD) & FD_CLOEXEC != 0)
    let theirs = try LinuxIPC.Mapping.shared(passed, byteCount: 4096)
    defer { theirs.unmap() }
    write("send.", ours)
    #expect(bytes(theirs) == "send.")
  }

  @Test func aMessageWithoutADescriptorIsAnErrorToWhomWaitsForOne() throws {
    let (here, there) = try Socket.pair(.stream)
    defer { [here, there].forEach { $0.close() } }
    var byte: UInt8 = 0
    #expect(send(here.descriptor.rawValue, &byte, 1, 0) == 1)
    #expect(throws: SystemError.self) { try Handle.receive(over: there).closeQuietly() }
  }

  @Test func itReachesOneHostOnlyAndOnlyWhatHasAFileHasAName() {
    let mechanism = MappedFile.mechanism
    for variant in mechanism.variantNames { #expect(mechanism.traits(of: variant).reach == .host) }
    #expect(Set(mechanism.traits(of: "tmpfs").attach) == [.inherit, .name, .handle, .scmRights])
    #expect(Set(mechanism.traits(of: "disk").attach) == [.inherit, .name, .handle, .scmRights])
    #expect(Set(mechanism.traits(of: "anonymous").attach) == [.inherit, .handle, .scmRights])
  }
}
