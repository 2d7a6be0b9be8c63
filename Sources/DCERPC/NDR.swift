/// Network data representation (C706, chapter 14), as much of it as the interfaces here need: integers, conformant
/// and varying arrays of bytes, pointers, context handles. Alignment counts from the first byte of the data.
public struct NDRDecoder {
  private var reader: WireReader

  public init(_ bytes: UnsafeRawBufferPointer) { reader = WireReader(bytes) }

  /// Decodes the data of a call; nothing may be left over but padding.
  public static func decode<Value>(
    _ stub: [UInt8], _ body: (inout NDRDecoder) throws(WireError) -> Value
  ) throws(WireError) -> Value {
    try stub.withUnsafeBufferPointer { bytes throws(WireError) in
      var decoder = NDRDecoder(UnsafeRawBufferPointer(bytes))
      let value = try body(&decoder)
      // Some implementations pad the whole to eight bytes.
      if decoder.reader.remaining > 7 { throw .surplus(decoder.reader.remaining) }
      return value
    }
  }

  public mutating func uint32() throws(WireError) -> UInt32 {
    try reader.align(4)
    return try reader.uint32()
  }

  /// Whether a unique or full pointer points to something (C706, section 14.3.10).
  public mutating func pointer() throws(WireError) -> Bool { try uint32() != 0 }

  public mutating func uuid() throws(WireError) -> RPCUUID {
    try reader.align(4)
    return try reader.uuid()
  }

  public mutating func syntax() throws(WireError) -> SyntaxID {
    try reader.align(4)
    return try reader.syntax()
  }

  /// A conformant array of bytes (C706, section 14.3.3.2), whose size another parameter gives.
  public mutating func byteArray(_ count: UInt32) throws(WireError) -> [UInt8] {
    guard try uint32() == count else { throw .bound }
    return Array(try reader.take(Int(count)))
  }

  /// The bounds of a conformant and varying array (C706, section 14.3.3.4): how many elements follow.
  public mutating func varyingCount(atMost limit: Int) throws(WireError) -> Int {
    let (size, offset, count) = (try uint32(), try uint32(), try uint32())
    guard offset == 0, count <= size else { throw .bound }
    guard count <= limit else { throw .tooMany(Int(count)) }
    return Int(count)
  }

  /// A context handle: 20 bytes that only its server understands (C706, section 14.2.16.6).
  public mutating func contextHandle() throws(WireError) -> ContextHandle {
    ContextHandle(attributes: try uint32(), uuid: try reader.uuid())
  }
}

public struct NDREncoder {
  private var writer = WireWriter()
  private var referents: UInt32 = 0
  public var bytes: [UInt8] { writer.bytes }

  public init() {}

  public mutating func uint32(_ value: UInt32) {
    writer.align(4)
    writer.uint32(value)
  }

  /// A pointer that points to something; what it points to follows where its kind of parameter wants it.
  public mutating func pointer() {
    uint32(Self.referent(referents))
    referents += 1
  }

  /// Any number but 0 will do, as long as no two are the same.
  static func referent(_ index: UInt32) -> UInt32 { 0x0002_0000 &+ index &* 4 }

  public mutating func null() { uint32(0) }

  public mutating func uuid(_ uuid: RPCUUID) {
    writer.align(4)
    writer.uuid(uuid)
  }

  public mutating func syntax(_ syntax: SyntaxID) {
    writer.align(4)
    writer.syntax(syntax)
  }

  public mutating func byteArray(_ array: [UInt8]) {
    uint32(UInt32(clamping: array.count))
    writer.append(array)
  }

  public mutating func varyingBounds(size: UInt32, count: Int) {
    uint32(size)
    uint32(0)
    uint32(UInt32(clamping: count))
  }

  public mutating func contextHandle(_ handle: ContextHandle) {
    uint32(handle.attributes)
    writer.uuid(handle.uuid)
  }
}

public struct ContextHandle: Equatable, Sendable {
  public var attributes: UInt32
  public var uuid: RPCUUID

  public init(attributes: UInt32 = 0, uuid: RPCUUID = .null) {
    self.attributes = attributes
    self.uuid = uuid
  }

  public var isNull: Bool { self == ContextHandle() }
}
