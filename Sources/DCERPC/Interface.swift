/// What a server offers under a UUID and a version.
public struct RPCInterface: Sendable {
  public var id: SyntaxID
  /// Serves a call: the operation's number and the data of its parameters; returns those of its results.
  public var serve: @Sendable (_ operation: UInt16, _ stub: [UInt8]) throws(FaultStatus) -> [UInt8]

  public init(
    _ id: SyntaxID, _ serve: @escaping @Sendable (UInt16, [UInt8]) throws(FaultStatus) -> [UInt8]
  ) {
    self.id = id
    self.serve = serve
  }
}

/// Decodes the parameters of a call; what cannot be decoded is a fault.
func parameters<Value>(
  _ stub: [UInt8], _ body: (inout NDRDecoder) throws(WireError) -> Value
) throws(FaultStatus) -> Value {
  do throws(WireError) {
    return try NDRDecoder.decode(stub, body)
  } catch {
    throw error == .bound ? .invalidBound : .badStubData
  }
}

/// Cuts a stream into fragments.
public struct FragmentStream: Sendable {
  private var buffer: [UInt8] = []

  public init() {}

  /// Whether part of a fragment waits for its rest.
  public var isInside: Bool { !buffer.isEmpty }

  public mutating func append(_ bytes: UnsafeRawBufferPointer) { buffer.append(contentsOf: bytes) }

  /// The next whole fragment; nil while there is none. No more than 64 KiB are ever kept beside what was appended.
  ///
  /// - Throws: when what comes cannot be the beginning of a fragment.
  public mutating func next() throws(WireError) -> [UInt8]? {
    guard buffer.count >= PDUHeader.byteCount else { return nil }
    let length = try PDUHeader.fragmentLength(buffer)
    guard buffer.count >= length else { return nil }
    defer { buffer.removeFirst(length) }
    return Array(buffer[..<length])
  }
}

extension PDUHeader {
  /// Of a fragment whose header is there.
  static func fragmentLength(_ bytes: [UInt8]) throws(WireError) -> Int {
    // Integers are those of the sender; every one that is spoken to here is little-endian.
    guard bytes[4] & 0xf0 == 0x10 else { throw .dataRepresentation(bytes[4]) }
    let length = Int(bytes[fragmentLengthOffset]) | Int(bytes[fragmentLengthOffset + 1]) << 8
    guard length >= byteCount else { throw .fragmentLength(length) }
    return length
  }
}
