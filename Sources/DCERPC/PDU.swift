/// One presentation context that a client proposes: an interface, and in which syntaxes it can send its data.
public struct ProposedContext: Equatable, Sendable {
  public var id: UInt16
  public var interface: SyntaxID
  public var transferSyntaxes: [SyntaxID]

  public init(_ id: UInt16, _ interface: SyntaxID, transferSyntaxes: [SyntaxID] = [.ndr]) {
    self.id = id
    self.interface = interface
    self.transferSyntaxes = transferSyntaxes
  }
}

/// What a server says to one proposed context (C706, section 12.6.3.1, p_result_t).
public struct ContextResult: Equatable, Sendable {
  public enum Outcome: Equatable, Sendable {
    case accepted(SyntaxID)
    case refused(Reason)
  }

  /// Why the provider rejects a context; the server itself (`user_rejection`) never does.
  public enum Reason: UInt16, Sendable {
    case notSpecified = 0
    case interfaceNotSupported = 1
    case transferSyntaxesNotSupported = 2
    case localLimitExceeded = 3
  }

  public var outcome: Outcome

  public init(_ outcome: Outcome) { self.outcome = outcome }
}

/// A bind or alter-context PDU (C706, sections 12.6.4.1 and 12.6.4.3).
public struct Bind: Equatable, Sendable {
  public var maximumTransmit: UInt16
  public var maximumReceive: UInt16
  public var associationGroup: UInt32
  public var contexts: [ProposedContext]

  /// More than any client proposes; what is proposed beyond is refused with the whole PDU.
  static var mostContexts: Int { 32 }
  static var mostSyntaxes: Int { 16 }

  public init(
    _ contexts: [ProposedContext], maximumTransmit: Int = FragmentLimits.proposed,
    maximumReceive: Int = FragmentLimits.proposed, associationGroup: UInt32 = 0
  ) {
    self.contexts = contexts
    self.maximumTransmit = UInt16(clamping: maximumTransmit)
    self.maximumReceive = UInt16(clamping: maximumReceive)
    self.associationGroup = associationGroup
  }

  init(_ reader: inout WireReader) throws(WireError) {
    maximumTransmit = try reader.uint16()
    maximumReceive = try reader.uint16()
    associationGroup = try reader.uint32()
    let count = Int(try reader.uint8())
    try reader.skip(3)
    guard count <= Self.mostContexts else { throw .tooMany(count) }
    contexts = []
    for _ in 0..<count { contexts.append(try Self.context(&reader)) }
  }

  private static func context(_ reader: inout WireReader) throws(WireError) -> ProposedContext {
    let id = try reader.uint16()
    let count = Int(try reader.uint8())
    try reader.skip(1)
    guard count <= mostSyntaxes else { throw .tooMany(count) }
    var context = ProposedContext(id, try reader.syntax(), transferSyntaxes: [])
    for _ in 0..<count { context.transferSyntaxes.append(try reader.syntax()) }
    return context
  }

  func write(to writer: inout WireWriter) {
    writer.uint16(maximumTransmit)
    writer.uint16(maximumReceive)
    writer.uint32(associationGroup)
    writer.uint32(UInt32(contexts.count & 0xff))
    for context in contexts {
      writer.uint16(context.id)
      writer.uint16(UInt16(context.transferSyntaxes.count & 0xff))
      writer.syntax(context.interface)
      for syntax in context.transferSyntaxes { writer.syntax(syntax) }
    }
  }
}

/// A bind-ack or alter-context-response PDU (C706, sections 12.6.4.2 and 12.6.4.4).
public struct BindAck: Equatable, Sendable {
  public var maximumTransmit: UInt16
  public var maximumReceive: UInt16
  public var associationGroup: UInt32
  /// The endpoint of the server; empty in an answer to alter-context.
  public var secondaryAddress: String
  public var results: [ContextResult]

  public init(
    maximumTransmit: Int, maximumReceive: Int, associationGroup: UInt32, secondaryAddress: String,
    results: [ContextResult]
  ) {
    self.maximumTransmit = UInt16(clamping: maximumTransmit)
    self.maximumReceive = UInt16(clamping: maximumReceive)
    self.associationGroup = associationGroup
    self.secondaryAddress = secondaryAddress
    self.results = results
  }

  init(_ reader: inout WireReader) throws(WireError) {
    maximumTransmit = try reader.uint16()
    maximumReceive = try reader.uint16()
    associationGroup = try reader.uint32()
    let address = try reader.take(Int(try reader.uint16()))
    secondaryAddress = String(decoding: address.prefix { $0 != 0 }, as: UTF8.self)
    // Alignment counts from the beginning of the PDU, and so does the reader's.
    try reader.align(4)
    let count = Int(try reader.uint8())
    try reader.skip(3)
    guard count <= Bind.mostContexts else { throw .tooMany(count) }
    results = []
    for _ in 0..<count {
      let (result, reason, syntax) = (try reader.uint16(), try reader.uint16(), try reader.syntax())
      results.append(
        ContextResult(
          result == 0 ? .accepted(syntax) : .refused(ContextResult.Reason(rawValue: reason) ?? .notSpecified))
      )
    }
  }

  func write(to writer: inout WireWriter) {
    writer.uint16(maximumTransmit)
    writer.uint16(maximumReceive)
    writer.uint32(associationGroup)
    let address = secondaryAddress.isEmpty ? [] : Array(secondaryAddress.utf8.prefix(255)) + [0]
    writer.uint16(UInt16(address.count))
    writer.append(address)
    writer.align(4)
    writer.uint32(UInt32(results.count & 0xff))
    for result in results {
      switch result.outcome {
      case .accepted(let syntax):
        writer.uint32(0)
        writer.syntax(syntax)
      case .refused(let reason):
        // provider_rejection
        writer.uint16(2)
        writer.uint16(reason.rawValue)
        writer.syntax(SyntaxID(.null, major: 0))
      }
    }
  }
}

/// Why a server does not accept a bind at all (C706, section 12.6.3.1, p_reject_reason_t; the last one is of
/// MS-RPCE, section 2.2.2.5).
public enum BindRejection: UInt16, Sendable {
  case notSpecified = 0
  case temporaryCongestion = 1
  case localLimitExceeded = 2
  case calledAddressUnknown = 3
  case protocolVersionNotSupported = 4
  case defaultContextNotSupported = 5
  case userDataNotReadable = 6
  case noAddressAvailable = 7
  case authenticationTypeNotRecognised = 8
}

/// Data of a call, or one fragment of them (C706, sections 12.6.4.9 and 12.6.4.10).
public struct CallBody: Equatable, Sendable {
  /// How many bytes of data are to be expected, this fragment's included; 0 where nothing is said.
  public var allocationHint: UInt32
  public var contextID: UInt16
  /// Of a request; 0 in a response.
  public var operation: UInt16
  public var object: RPCUUID?
  public var stub: [UInt8]

  public init(contextID: UInt16, operation: UInt16 = 0, object: RPCUUID? = nil, stub: [UInt8]) {
    self.contextID = contextID
    self.operation = operation
    self.object = object
    self.stub = stub
    allocationHint = UInt32(clamping: stub.count)
  }

  init(_ reader: inout WireReader, _ header: PDUHeader) throws(WireError) {
    allocationHint = try reader.uint32()
    contextID = try reader.uint16()
    // Number of cancels and a reserved byte, in a response.
    let second = try reader.uint16()
    operation = header.type == .request ? second : 0
    object = header.type == .request && header.flags.contains(.objectUUID) ? try reader.uuid() : nil
    stub = Array(try reader.take(reader.remaining))
  }

  func write(to writer: inout WireWriter) {
    writer.uint32(allocationHint)
    writer.uint16(contextID)
    writer.uint16(operation)
    if let object { writer.uuid(object) }
    writer.append(stub)
  }
}

/// Why a call was not answered (C706, section 12.6.4.7 and appendix E; the one on stub data as MS-RPCE has it).
public struct FaultStatus: Error, Hashable, Sendable, CustomStringConvertible {
  public let code: UInt32
  public init(_ code: UInt32) { self.code = code }

  public static var operationRange: FaultStatus { FaultStatus(0x1c01_0002) }
  public static var unknownInterface: FaultStatus { FaultStatus(0x1c01_0003) }
  public static var protocolError: FaultStatus { FaultStatus(0x1c01_000b) }
  public static var unsupportedType: FaultStatus { FaultStatus(0x1c01_0017) }
  public static var invalidBound: FaultStatus { FaultStatus(0x1c00_0007) }
  public static var contextMismatch: FaultStatus { FaultStatus(0x1c00_001a) }
  public static var noMemory: FaultStatus { FaultStatus(0x1c00_001b) }
  public static var badStubData: FaultStatus { FaultStatus(0x0000_06f7) }

  private static let names: [FaultStatus: String] = [
    operationRange: "nca_s_op_rng_error", unknownInterface: "nca_s_unk_if",
    protocolError: "nca_s_proto_error",
    unsupportedType: "nca_s_unsupported_type", invalidBound: "nca_s_fault_invalid_bound",
    contextMismatch: "nca_s_fault_context_mismatch", noMemory: "nca_s_fault_remote_no_memory",
    badStubData: "rpc_x_bad_stub_data",
  ]

  public var description: String { Self.names[self] ?? "status 0x\(String(code, radix: 16))" }
}

/// A PDU, or one fragment of a request or a response.
public struct PDU: Equatable, Sendable {
  public enum Body: Equatable, Sendable {
    case bind(Bind)
    case alterContext(Bind)
    case bindAck(BindAck)
    case alterContextResponse(BindAck)
    case bindNak(BindRejection)
    case request(CallBody)
    case response(CallBody)
    case fault(contextID: UInt16, FaultStatus)
    /// Types that carry nothing: shutdown, cancel, orphaned.
    case bare(PDUType)
  }

  public var flags: PDUFlags
  public var callID: UInt32
  public var body: Body

  public init(_ body: Body, callID: UInt32, flags: PDUFlags = .whole) {
    self.body = body
    self.callID = callID
    self.flags = flags
  }

  /// Reads a fragment, all of whose bytes are there.
  public init(_ bytes: [UInt8]) throws(WireError) {
    self = try WireReader.read(bytes) { reader throws(WireError) in try PDU(&reader) }
  }

  public init(_ reader: inout WireReader) throws(WireError) {
    let header = try PDUHeader(&reader)
    flags = header.flags
    callID = header.callID
    body = try Self.body(&reader, header)
  }

  private static func body(_ reader: inout WireReader, _ header: PDUHeader) throws(WireError) -> Body {
    switch header.type {
    case .bind: return .bind(try Bind(&reader))
    case .alterContext: return .alterContext(try Bind(&reader))
    case .bindAck: return .bindAck(try BindAck(&reader))
    case .alterContextResponse: return .alterContextResponse(try BindAck(&reader))
    case .bindNak: return .bindNak(BindRejection(rawValue: try reader.uint16()) ?? .notSpecified)
    case .request: return .request(try CallBody(&reader, header))
    case .response: return .response(try CallBody(&reader, header))
    case .fault:
      // The allocation hint; number of cancels and a reserved byte.
      try reader.skip(4)
      let contextID = try reader.uint16()
      try reader.skip(2)
      return .fault(contextID: contextID, FaultStatus(try reader.uint32()))
    case .shutdown, .cancel, .orphaned: return .bare(header.type)
    }
  }

  public var type: PDUType {
    switch body {
    case .bind: .bind
    case .alterContext: .alterContext
    case .bindAck: .bindAck
    case .alterContextResponse: .alterContextResponse
    case .bindNak: .bindNak
    case .request: .request
    case .response: .response
    case .fault: .fault
    case .bare(let type): type
    }
  }

  /// - Precondition: the PDU has at most 65,535 bytes; larger data go into `fragments(of:limit:)`.
  public var encoded: [UInt8] {
    var writer = WireWriter()
    var flags = flags
    if case .request(let call) = body, call.object != nil { flags.insert(.objectUUID) }
    PDUHeader(type, flags, fragmentLength: 0, callID: callID).write(to: &writer)
    write(to: &writer)
    writer.set(UInt16(writer.bytes.count), at: PDUHeader.fragmentLengthOffset)
    return writer.bytes
  }

  private func write(to writer: inout WireWriter) {
    switch body {
    case .bind(let bind), .alterContext(let bind): bind.write(to: &writer)
    case .bindAck(let ack), .alterContextResponse(let ack): ack.write(to: &writer)
    case .request(let call), .response(let call): call.write(to: &writer)
    case .bare: break
    case .bindNak(let reason):
      writer.uint16(reason.rawValue)
      // The versions that are supported: one, 5.0.
      writer.append([1, 5, 0])
    case .fault(let contextID, let status):
      writer.uint32(0)
      writer.uint16(contextID)
      writer.uint16(0)
      writer.uint32(status.code)
      writer.uint32(0)
    }
  }

  /// A request or a response in as many fragments as it takes, one after the other.
  ///
  /// - Parameter limit: bytes of a fragment, as negotiated.
  public static func fragments(
    of call: CallBody, _ type: PDUType, callID: UInt32, limit: Int
  ) -> [UInt8] {
    let room = (limit - PDUHeader.callByteCount - (call.object == nil ? 0 : 16)) & ~7
    var bytes: [UInt8] = []
    var start = 0
    repeat {
      let end = min(call.stub.count, start + room)
      var part = call
      part.stub = Array(call.stub[start..<end])
      part.allocationHint = UInt32(clamping: call.stub.count - start)
      var flags: PDUFlags = start == 0 ? .firstFragment : []
      if end == call.stub.count { flags.insert(.lastFragment) }
      bytes += PDU(type == .request ? .request(part) : .response(part), callID: callID, flags: flags).encoded
      start = end
    } while start < call.stub.count
    return bytes
  }
}
