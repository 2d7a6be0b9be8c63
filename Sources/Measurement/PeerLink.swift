import Glibc
import LinuxIPC

/// The way to a worker that has a control page of its own, on this machine or on another one: a connected stream socket.
///
/// It is used at barriers only, while no message moves. What comes over it was written by somebody else: a word has one
/// length, and whatever else arrives is taken for a peer that gave up and is left to be read by the harness.
public struct PeerLink: Sendable {
  private let descriptor: Int32

  public init(descriptor: Int32) { self.descriptor = descriptor }

  /// What one side says at a barrier.
  struct Word: Equatable {
    /// How many barriers it has come to.
    var stage: UInt64
    /// The number that the producer has settled; 0 from the consumer.
    var agreed: UInt64

    /// As on every control connection, the length of what follows comes first, in network byte order.
    static var lengthByteCount: Int { 4 }
    static var bodyByteCount: Int { 16 }
    static var byteCount: Int { lengthByteCount + bodyByteCount }

    init(stage: UInt64, agreed: UInt64) {
      self.stage = stage
      self.agreed = agreed
    }

    var bytes: [UInt8] {
      Self.bytes(UInt32(Self.bodyByteCount)) + Self.bytes(stage) + Self.bytes(agreed)
    }

    init?(_ bytes: [UInt8]) {
      guard bytes.count == Self.byteCount, Self.isLength(bytes) else { return nil }
      stage = Self.number(bytes[4..<12])
      agreed = Self.number(bytes[12..<20])
    }

    /// Whether these four bytes announce a word.
    static func isLength(_ bytes: [UInt8]) -> Bool { number(bytes[..<4]) == UInt64(bodyByteCount) }

    private static func bytes(_ value: some FixedWidthInteger) -> [UInt8] {
      withUnsafeBytes(of: value.bigEndian) { Array($0) }
    }

    private static func number(_ bytes: ArraySlice<UInt8>) -> UInt64 {
      bytes.reduce(0) { $0 << 8 | UInt64($1) }
    }
  }

  /// Tells the peer how far this side has come, and waits until the peer has come as far.
  ///
  /// - Parameter isAbandoned: asked now and then while it waits.
  /// - Returns: nil when the peer gave up, or somebody else than a peer is there.
  func meet(_ own: Word, isAbandoned: () -> Bool) -> Word? {
    let bytes = own.bytes
    guard send(descriptor, bytes, bytes.count, Int32(MSG_NOSIGNAL)) == bytes.count else { return nil }
    while !isAbandoned() {
      var request = pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)
      guard poll(&request, 1, 50) > 0 else { continue }
      switch look() {
      case .complete:
        let theirs = Word(take())
        return theirs?.stage == own.stage ? theirs : nil
      case .incomplete: usleep(500)
      case .other: return nil
      }
    }
    return nil
  }

  private enum Sight { case complete, incomplete, other }

  private func look() -> Sight {
    var bytes = [UInt8](repeating: 0, count: Word.byteCount)
    let count = recv(descriptor, &bytes, bytes.count, Int32(MSG_PEEK | MSG_DONTWAIT))
    if count < 0 && (errno == EAGAIN || errno == EINTR) { return .incomplete }
    if count <= 0 { return .other }
    if count < Word.lengthByteCount { return .incomplete }
    guard Word.isLength(bytes) else { return .other }
    return count < Word.byteCount ? .incomplete : .complete
  }

  private func take() -> [UInt8] {
    var bytes = [UInt8](repeating: 0, count: Word.byteCount)
    let count = recv(descriptor, &bytes, bytes.count, 0)
    return Array(bytes.prefix(max(0, count)))
  }
}
