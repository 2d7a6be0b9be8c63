/// Why a ring operation could not be done. Trivial, so that throwing costs the hot path nothing.
public enum RingError: Error, Sendable, Equatable {
  /// The peer closed its side or died, and everything it had published has been taken.
  case peerClosed
  /// The peer made no progress within the stall limit.
  case timedOut
  /// The message does not fit into a slot.
  case messageTooLarge
  /// The peer published an index or a length that cannot be true.
  case corrupted
}

/// Why a region of memory is not the ring it should be: one sentence for people.
public struct RingFormatError: Error, Sendable, Equatable, CustomStringConvertible {
  public var description: String
  public init(_ description: String) { self.description = description }
}
