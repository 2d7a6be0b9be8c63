/// The interface of rpc:dce:
///
///     [uuid(69706362-656e-6368-8d7e-2f0a4942e001), version(1.0), pointer_default(unique)]
///     interface messages {
///       void Call([in] unsigned long count, [in, size_is(count)] byte message[],
///                 [out] unsigned long *reply_count, [out, size_is(,*reply_count)] byte **reply);
///     }
public enum MessagesInterface {
  public static var id: SyntaxID {
    SyntaxID(RPCUUID(0x6970_6362, 0x656e, 0x6368, node: 0x8d7e_2f0a_4942_e001), major: 1)
  }

  public static var call: UInt16 { 0 }

  /// Bytes before the message: its count, and the size of the array.
  public static var requestPrefix: Int { 8 }
  /// Bytes before the reply: its count, what the pointer says, and the size of the array.
  public static var responsePrefix: Int { 12 }
  /// What a pointer says that is not null.
  public static var referent: UInt32 { NDREncoder.referent(0) }

  public static func parameters(_ message: [UInt8]) -> [UInt8] {
    var encoder = NDREncoder()
    encoder.uint32(UInt32(clamping: message.count))
    encoder.byteArray(message)
    return encoder.bytes
  }

  public static func reply(_ stub: [UInt8]) throws(WireError) -> [UInt8] {
    try NDRDecoder.decode(stub) { decoder throws(WireError) in
      let count = try decoder.uint32()
      guard try decoder.pointer() else { throw .null }
      return try decoder.byteArray(count)
    }
  }

  /// A server that returns what it gets.
  public static var echo: RPCInterface {
    RPCInterface(id) { operation, stub throws(FaultStatus) in
      guard operation == call else { throw .operationRange }
      let message = try DCERPC.parameters(stub) { decoder throws(WireError) in
        try decoder.byteArray(try decoder.uint32())
      }
      var encoder = NDREncoder()
      encoder.uint32(UInt32(message.count))
      encoder.pointer()
      encoder.byteArray(message)
      return encoder.bytes
    }
  }
}
