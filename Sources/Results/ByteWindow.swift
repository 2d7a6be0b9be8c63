import Glibc

/// The part of a file that is being looked at: what has been read and not yet been used.
struct ByteWindow: ~Copyable {
  /// Named in errors.
  let path: String
  /// Where in the memory the bytes are. They move when more are read.
  private(set) var unread = 0..<0
  private(set) var base: UnsafeMutableRawPointer
  private var capacity: Int
  /// Nil where everything is in memory from the beginning.
  private let descriptor: Int32?

  /// - Parameter descriptor: open for reading as long as the window lives.
  init(descriptor: Int32, path: String) {
    self.path = path
    self.descriptor = descriptor
    capacity = 1 << 18
    base = .allocate(byteCount: capacity, alignment: 16)
  }

  init(_ bytes: [UInt8], path: String) {
    self.path = path
    descriptor = nil
    capacity = max(bytes.count, 1)
    base = .allocate(byteCount: capacity, alignment: 16)
    bytes.withUnsafeBytes { if let start = $0.baseAddress { memcpy(base, start, $0.count) } }
    unread = 0..<bytes.count
  }

  deinit { base.deallocate() }

  subscript(range: Range<Int>) -> UnsafeRawBufferPointer {
    UnsafeRawBufferPointer(start: base + range.lowerBound, count: range.count)
  }

  /// Gives up the first bytes; they stay where they are until more are read.
  mutating func drop(_ count: Int) { unread = unread.dropFirst(count) }

  /// - Returns: false at the end of the file.
  /// - Throws: `unreadable`.
  mutating func readMore() throws(ResultsError) -> Bool {
    guard let descriptor else { return false }
    if unread.lowerBound > 0 {
      memmove(base, base + unread.lowerBound, unread.count)
      unread = 0..<unread.count
    }
    if unread.count == capacity { grow() }
    while true {
      let count = read(descriptor, base + unread.upperBound, capacity - unread.upperBound)
      if count < 0 && errno == EINTR { continue }
      guard count >= 0 else { throw Files.readError(path, errno) }
      unread = 0..<(unread.upperBound + count)
      return count > 0
    }
  }

  private mutating func grow() {
    let larger = UnsafeMutableRawPointer.allocate(byteCount: capacity * 2, alignment: 16)
    memcpy(larger, base, unread.upperBound)
    base.deallocate()
    (base, capacity) = (larger, capacity * 2)
  }
}

extension ByteWindow {
  /// The next line without its line feed; valid until the next is read. Nil at the end, where what follows the
  /// last line feed stays unread.
  ///
  /// - Throws: `unreadable`; `malformed` for a line that is longer than `longest`, before the rest of it is read.
  mutating func line(_ number: Int, longest: Int) throws(ResultsError) -> UnsafeRawBufferPointer? {
    var looked = 0
    while true {
      let rest = self[(unread.lowerBound + looked)..<unread.upperBound]
      if let length = rest.offset(of: UInt8(ascii: "\n")) {
        let line = self[unread.prefix(looked + length)]
        drop(line.count + 1)
        return line
      }
      looked = unread.count
      if looked > longest {
        throw .malformedLine(
          number, of: path, "it is longer than \(Units.describe(byteCount: longest))")
      }
      guard try readMore() else { return nil }
    }
  }
}
