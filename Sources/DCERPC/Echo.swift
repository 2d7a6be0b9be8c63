/// Samba's interface for trying a connection out, as much of it as needs no strings
/// (librpc/idl/echo.idl in its sources).
public enum EchoInterface {
  public static var id: SyntaxID {
    SyntaxID(RPCUUID(0x60a1_5ec5, 0x4de8, 0x11d7, node: 0xa637_0050_56a2_0182), major: 1)
  }

  public enum Operation: UInt16, Sendable {
    /// `void echo_AddOne([in] uint32 in_data, [out,ref] uint32 *out_data)`
    case addOne = 0
    /// `void echo_EchoData([in] uint32 len, [in,size_is(len)] uint8 in_data[], [out,size_is(len)] uint8 out_data[])`
    case echoData = 1
    /// `void echo_SinkData([in] uint32 len, [in,size_is(len)] uint8 data[])`
    case sinkData = 2
    /// `void echo_SourceData([in] uint32 len, [out,size_is(len)] uint8 data[])`
    case sourceData = 3
  }

  /// Bytes that somebody may ask for.
  static var largestData: UInt32 { 1 << 20 }

  public static var interface: RPCInterface {
    RPCInterface(id) { number, stub throws(FaultStatus) in
      guard let operation = Operation(rawValue: number) else { throw .operationRange }
      return try serve(operation, stub)
    }
  }

  private static func serve(_ operation: Operation, _ stub: [UInt8]) throws(FaultStatus) -> [UInt8] {
    var results = NDREncoder()
    switch operation {
    case .addOne:
      let number = try parameters(stub) { decoder throws(WireError) in try decoder.uint32() }
      results.uint32(number &+ 1)
    case .echoData: results.byteArray(try data(stub))
    case .sinkData: _ = try data(stub)
    case .sourceData:
      let count = try parameters(stub) { decoder throws(WireError) in try decoder.uint32() }
      guard count <= largestData else { throw .noMemory }
      results.byteArray((0..<count).map { UInt8(truncatingIfNeeded: $0) })
    }
    return results.bytes
  }

  private static func data(_ stub: [UInt8]) throws(FaultStatus) -> [UInt8] {
    try parameters(stub) { decoder throws(WireError) in
      let count = try decoder.uint32()
      return try decoder.byteArray(count)
    }
  }

  // MARK: Client

  public static func addOneParameters(_ number: UInt32) -> [UInt8] {
    var encoder = NDREncoder()
    encoder.uint32(number)
    return encoder.bytes
  }

  public static func echoParameters(_ bytes: [UInt8]) -> [UInt8] {
    var encoder = NDREncoder()
    encoder.uint32(UInt32(clamping: bytes.count))
    encoder.byteArray(bytes)
    return encoder.bytes
  }

  /// - Parameter count: of the bytes that were sent.
  public static func echoResult(_ stub: [UInt8], count: Int) throws(WireError) -> [UInt8] {
    try NDRDecoder.decode(stub) { decoder throws(WireError) in try decoder.byteArray(UInt32(clamping: count))
    }
  }

  public static func addOneResult(_ stub: [UInt8]) throws(WireError) -> UInt32 {
    try NDRDecoder.decode(stub) { decoder throws(WireError) in try decoder.uint32() }
  }
}
