import Foundation
import IPCTransport
import LinuxIPC
import Testing

@testable import Mechanisms

struct SharedMemoryTests {
  @Test(arguments: [WaitKind.spin, .yield, .block])
  func everyVariantCanWaitBySpinningYieldingAndSleeping(_ wait: WaitKind) throws {
    let entry = try #require(Registry.entries.first { $0.mechanism.id == SharedMemory.mechanism.id })
    for variant in entry.mechanism.variantNames {
      #expect(entry.form(variant, wait)?.wait == wait, "\(variant)")
    }
  }

  @Test func aPosixObjectWhoseNameIsTakenIsRefusedAndLeftAlone() throws {
    let name = "/t\(getpid())-\(UUID().uuidString)"
    let taken = try SharedObject.createPosix(name: name, byteCount: 4096)
    defer {
      taken.closeQuietly()
      SharedObject.unlinkPosix(name: name)
    }
    let theirs = try LinuxIPC.Mapping.shared(taken, byteCount: 4096)
    defer { theirs.unmap() }
    theirs.base.storeBytes(of: 42, as: UInt64.self)

    let error = try #require(throws: SystemError.self) {
      try SharedObject.createPosix(name: name, byteCount: 8192).closeQuietly()
    }
    #expect(error.errno == .fileExists)
    let found = try SharedObject.openPosix(name: name)
    defer { found.closeQuietly() }
    #expect(try SharedObject.byteCount(of: found) == 4096)
    let ours = try LinuxIPC.Mapping.shared(found, byteCount: 4096)
    defer { ours.unmap() }
    #expect(ours.base.load(as: UInt64.self) == 42)
  }

  @Test func aRingIsNotMadeInAnObjectThatBelongsToSomebodyElse() throws {
    let spec = ChannelSpec(
      variant: "posix", wait: .spin, attach: .name, messageByteCount: 64, topology: .detect(),
      scope: ResourceScope(), serial: 900_001)
    let name = spec.scope.objectName(spec.name("ring"))
    let taken = try SharedObject.createPosix(name: name, byteCount: 4096)
    defer {
      taken.closeQuietly()
      SharedObject.unlinkPosix(name: name)
    }
    let error = try refusal { SharedMemory.close(try SharedMemory.open(spec)) }
    expectOneSentence(error.description)
    #expect(error.description.contains(name) && error.description.contains("left alone"))
    let found = try SharedObject.openPosix(name: name)
    defer { found.closeQuietly() }
    #expect(try SharedObject.byteCount(of: found) == 4096)
  }

  @Test func anObjectThatNobodyHasMadeIsAnError() throws {
    let error = try #require(throws: SystemError.self) {
      try SharedObject.openPosix(name: "/t\(getpid())-\(UUID().uuidString)").closeQuietly()
    }
    #expect(error.errno == .noSuchFileOrDirectory)
  }

  @Test func anAddressThatNamesNoObjectIsRefusedWithASentence() throws {
    let spec = ChannelSpec(
      wait: .spin, messageByteCount: 64, topology: .detect(), scope: ResourceScope(), serial: 900_002)
    for address in ["", "posix", "sysv x", "something else"] {
      let error = try refusal { _ = try SharedMemory.find(address, spec) }
      expectOneSentence(error.description)
    }
  }

  private static let hasHugePages: Bool = {
    guard let mapping = try? HugePages.map(byteCount: HugePages.size) else { return false }
    mapping.unmap()
    return true
  }()

  @Test(.enabled(if: hasHugePages, "neither reserved pages of 2 MiB nor MADV_COLLAPSE here"))
  func hugePagesAreReallyHuge() throws {
    let mapping = try HugePages.map(byteCount: HugePages.size + 1)
    defer { mapping.unmap() }
    #expect(mapping.byteCount == 2 * HugePages.size, "whole pages")
    // The pages of the pool come with the first store.
    mapping.populate()
    let fields = try memoryMap(at: UInt(bitPattern: mapping.base))
    let hugeKiB = ["ShmemPmdMapped", "Shared_Hugetlb", "Private_Hugetlb"].reduce(0) { $0 + (fields[$1] ?? 0) }
    #expect(hugeKiB == mapping.byteCount / 1024, "\(fields)")
  }

  /// The figures in KiB that /proc/self/smaps has of the mapping around an address (proc_pid_smaps(5)).
  private func memoryMap(at address: UInt) throws -> [String: Int] {
    let text = try #require(TextFile.read("/proc/self/smaps"))
    var isHere = false
    var fields: [String: Int] = [:]
    for line in text.split(separator: "\n") {
      if let range = line.prefixMatch(of: /([0-9a-f]+)-([0-9a-f]+)\s/) {
        let (start, end) = (UInt(range.1, radix: 16) ?? 0, UInt(range.2, radix: 16) ?? 0)
        isHere = start <= address && address < end
      } else if isHere, let field = line.wholeMatch(of: /(\w+): +(\d+) kB/) {
        fields[String(field.1)] = Int(field.2)
      }
    }
    try #require(!fields.isEmpty, "no mapping at \(address)")
    return fields
  }
}
