import Glibc
import IPCTransport
import LinuxIPC
import SystemPackage

/// Memory for messages whose pages lie in a pipe until the reader has copied them.
///
/// A pipe has one slot for each page, or part of one, that it refers to. A byte may be written again when as
/// many slots have been filled after it as the pipe has: then its own slot was emptied. So a region that is
/// larger than all that the slots can refer to, used round and round, is never written too early.
struct GiftRegion {
  let start: UnsafeMutableRawPointer
  private let byteCount: Int
  private var next: Int

  private static var prefixRoom: Int { 64 }

  /// - Parameter place: makes the memory, given its size.
  init(
    pipe: FileDescriptor, capacity: Int, _ place: (Int) throws(TransportError) -> UnsafeMutableRawPointer
  ) throws(TransportError) {
    // Each slot holds up to a page, and each message up to a line's worth of padding.
    let slots = PageGift.capacity(of: pipe) / 4096 + 2
    byteCount = slots * (4096 + 2 * Self.prefixRoom) + 2 * (capacity + 8192)
    start = try place(byteCount)
    memset(start, 0, byteCount)
    next = 0
  }

  mutating func stage(_ count: Int) -> UnsafeMutableRawPointer {
    // Lines of the next message are no part of this one's pages' neighbours.
    let needed = Self.prefixRoom + (count + 63) / 64 * 64
    if next + needed > byteCount { next = 0 }
    defer { next += needed }
    return start + next + Self.prefixRoom
  }
}

/// `vmsplice`: the pipe refers to the producer's pages.
public struct VmspliceSender: StreamSender, ~Copyable {
  private var region: GiftRegion
  private let descriptor: Int32
  private let nonBlocking: Bool

  public init(_ ends: Ends, capacity: Int, nonBlocking: Bool) throws(TransportError) {
    region = try GiftRegion(pipe: ends.output, capacity: capacity) { Buffer.allocate($0) }
    descriptor = ends.output.rawValue
    self.nonBlocking = nonBlocking
  }

  @inline(never)
  public mutating func stage(_ byteCount: Int) -> UnsafeMutableRawPointer { region.stage(byteCount) }

  @inline(never)
  public mutating func write(_ bytes: UnsafeRawPointer, _ count: Int) -> Int {
    PageGift.vmsplice(bytes, to: descriptor, count, nonBlocking: nonBlocking)
  }
}

/// `splice`: the pipe refers to pages of a memfd, which the producer has mapped.
public struct SpliceSender: StreamSender, ~Copyable {
  private var region: GiftRegion
  private let file: Int32
  private let descriptor: Int32
  private let nonBlocking: Bool

  public init(_ ends: Ends, capacity: Int, nonBlocking: Bool) throws(TransportError) {
    var file: Int32 = -1
    region = try GiftRegion(pipe: ends.output, capacity: capacity) { byteCount throws(TransportError) in
      try explaining("create a memfd of \(byteCount) bytes") { () throws(SystemError) in
        let object = try SharedObject.createMemfd(name: "ipcbench-splice", byteCount: byteCount)
        file = object.rawValue
        return try LinuxIPC.Mapping.shared(object, byteCount: byteCount).base
      }
    }
    self.file = file
    descriptor = ends.output.rawValue
    self.nonBlocking = nonBlocking
  }

  @inline(never)
  public mutating func stage(_ byteCount: Int) -> UnsafeMutableRawPointer { region.stage(byteCount) }

  @inline(never)
  public mutating func write(_ bytes: UnsafeRawPointer, _ count: Int) -> Int {
    PageGift.splice(
      file, offset: bytes - UnsafeRawPointer(region.start), to: descriptor, count, nonBlocking: nonBlocking)
  }
}
