import CLinuxShims
import Glibc
import Synchronization

/// A 32-bit word in shared memory on which a side can sleep until its peer changes it.
///
/// The corresponding system call is `futex(2)`, in its process-shared form.
public struct Futex: Sendable {
  @usableFromInline nonisolated(unsafe) let word: UnsafePointer<Atomic<UInt32>>

  /// - Parameter address: four-byte aligned, inside a mapping that outlives this value.
  @inlinable public init(at address: UnsafeMutableRawPointer) {
    word = UnsafePointer(address.assumingMemoryBound(to: Atomic<UInt32>.self))
  }

  @inlinable @inline(__always) public func load() -> UInt32 { word.pointee.load(ordering: .acquiring) }
  @inlinable @inline(__always) public func store(_ value: UInt32) {
    word.pointee.store(value, ordering: .releasing)
  }

  /// Stores with sequential consistency: a load that follows cannot be taken before the store is seen.
  @inlinable public func announce(_ value: UInt32) {
    word.pointee.store(value, ordering: .sequentiallyConsistent)
  }

  /// Sleeps while the word has the value `expected`, at most `nanoseconds`; may return early.
  @inlinable public func wait(while expected: UInt32, nanoseconds: UInt64 = .max) {
    _ = ipcb_futex_wait(word, expected, nanoseconds)
  }

  @inlinable public func wake(_ count: Int32 = 1) { _ = ipcb_futex_wake(word, count) }
}
