/// Why a call has no result.
public enum RPCFailure: Error, Equatable, Sendable {
  case wire(WireError)
  case fault(FaultStatus)
  case refused(ContextResult.Reason)
  case rejected(BindRejection)
  /// A PDU that no server sends now.
  case unexpected(PDUType)
}

extension RPCFailure: CustomStringConvertible {
  public var description: String {
    switch self {
    case .wire(let error): "what the server sent cannot be understood: \(error)"
    case .fault(let status): "the server reports a fault: \(status)"
    case .refused(.interfaceNotSupported):
      "the server does not have this interface, or not this version of it"
    case .refused(let reason): "the server refuses the interface (\(reason))"
    case .rejected(let reason): "the server rejects the connection (\(reason))"
    case .unexpected(let type): "the server sent a PDU of type \(type), for which nobody had asked"
    }
  }
}

/// The client's side of an association with one interface. Takes fragments and returns what is to be sent; knows no
/// socket.
public struct ClientAssociation: Sendable {
  private let interface: SyntaxID
  private var lastCallID: UInt32 = 0
  private var stub: [UInt8] = []
  /// Bytes of the largest fragment that the server takes.
  public private(set) var fragmentLimit = FragmentLimits.least

  public static var contextID: UInt16 { 0 }

  public init(_ interface: SyntaxID) { self.interface = interface }

  public mutating func bind() -> [UInt8] {
    lastCallID &+= 1
    return PDU(.bind(Bind([ProposedContext(Self.contextID, interface)])), callID: lastCallID).encoded
  }

  /// Takes the answer to a bind.
  public mutating func receiveBindAck(_ fragment: [UInt8]) throws(RPCFailure) {
    let pdu = try parse(fragment)
    switch pdu.body {
    case .bindAck(let ack):
      guard let first = ack.results.first else { throw .wire(.truncated) }
      if case .refused(let reason) = first.outcome { throw .refused(reason) }
      fragmentLimit = FragmentLimits.agree(ack.maximumReceive, FragmentLimits.proposed)
    case .bindNak(let reason): throw .rejected(reason)
    case .fault(_, let status): throw .fault(status)
    default: throw .unexpected(pdu.type)
    }
  }

  /// A call, in as many fragments as it takes.
  public mutating func request(_ operation: UInt16, _ parameters: [UInt8]) -> [UInt8] {
    lastCallID &+= 1
    stub = []
    let call = CallBody(contextID: Self.contextID, operation: operation, stub: parameters)
    return PDU.fragments(of: call, .request, callID: lastCallID, limit: fragmentLimit)
  }

  /// Takes a fragment of the answer to a call; nil while there are more to come.
  public mutating func receive(_ fragment: [UInt8]) throws(RPCFailure) -> [UInt8]? {
    let pdu = try parse(fragment)
    switch pdu.body {
    case .response(let part):
      guard pdu.flags.contains(.firstFragment) == stub.isEmpty || part.stub.isEmpty else {
        throw .unexpected(.response)
      }
      guard stub.count + part.stub.count <= FragmentLimits.stub else { throw .wire(.tooMany(stub.count)) }
      stub += part.stub
      return pdu.flags.contains(.lastFragment) ? stub : nil
    case .fault(_, let status): throw .fault(status)
    default: throw .unexpected(pdu.type)
    }
  }

  private func parse(_ fragment: [UInt8]) throws(RPCFailure) -> PDU {
    let pdu: PDU
    do throws(WireError) {
      pdu = try PDU(fragment)
    } catch {
      throw .wire(error)
    }
    guard pdu.callID == lastCallID else { throw .unexpected(pdu.type) }
    return pdu
  }
}
