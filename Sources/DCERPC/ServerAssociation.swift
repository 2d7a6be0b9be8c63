/// The server's side of an association: a connection, the interfaces that its client has bound, and the call that comes
/// in. Takes fragments and returns what is to be sent; knows no socket (C706, chapter 12).
public struct ServerAssociation: Sendable {
  /// What to do after a fragment.
  public struct Reaction: Equatable, Sendable {
    public var bytes: [UInt8] = []
    /// The client does not keep to the protocol: nothing that follows can be understood.
    public var closes = false
  }

  private let interfaces: [RPCInterface]
  private let endpoint: String
  /// What the contexts of the client's mean: places in `interfaces`.
  private var contexts: [UInt16: Int] = [:]
  private var isBound = false
  private var limit = FragmentLimits.least
  private var call: IncomingCall?

  private struct IncomingCall {
    var id: UInt32
    var contextID: UInt16
    var operation: UInt16
    var stub: [UInt8]
  }

  /// - Parameter endpoint: as the client knows it: a port, or a path.
  public init(_ interfaces: [RPCInterface], endpoint: String) {
    self.interfaces = interfaces
    self.endpoint = endpoint
  }

  /// Bytes of the largest fragment that the client takes.
  public var fragmentLimit: Int { limit }

  /// Takes a whole fragment.
  public mutating func receive(_ fragment: [UInt8]) -> Reaction {
    do throws(WireError) {
      return react(to: try PDU(fragment))
    } catch {
      return refuse(fragment)
    }
  }

  /// What a client is told that cannot be understood: its bind is rejected, anything else is a fault.
  private func refuse(_ fragment: [UInt8]) -> Reaction {
    let callID = fragment.count >= 16 ? fragment[12..<16].reversed().reduce(0) { $0 << 8 | UInt32($1) } : 0
    let isBind = fragment.count > 2 && fragment[2] == PDUType.bind.rawValue
    let isOtherVersion = fragment.count > 2 && (fragment[0] != 5 || fragment[1] > 1)
    let body: PDU.Body =
      isBind
      ? .bindNak(isOtherVersion ? .protocolVersionNotSupported : .userDataNotReadable)
      : .fault(contextID: 0, .protocolError)
    return Reaction(bytes: PDU(body, callID: callID).encoded, closes: true)
  }

  private mutating func react(to pdu: PDU) -> Reaction {
    switch pdu.body {
    case .bind(let bind) where !isBound:
      isBound = true
      limit = FragmentLimits.agree(bind.maximumReceive, FragmentLimits.proposed)
      return Reaction(bytes: PDU(.bindAck(acknowledge(bind, endpoint)), callID: pdu.callID).encoded)
    case .alterContext(let bind) where isBound:
      return Reaction(bytes: PDU(.alterContextResponse(acknowledge(bind, "")), callID: pdu.callID).encoded)
    case .request(let part) where isBound: return take(part, pdu)
    case .bare(.orphaned):
      if call?.id == pdu.callID { call = nil }
      return Reaction()
    // A call is served at once, so that nothing is left to be cancelled.
    case .bare(.cancel): return Reaction()
    default: return fault(.protocolError, pdu.callID, 0, closes: true)
    }
  }

  // MARK: Contexts

  private mutating func acknowledge(_ bind: Bind, _ address: String) -> BindAck {
    var results: [ContextResult] = []
    for context in bind.contexts { results.append(accept(context)) }
    return BindAck(
      maximumTransmit: FragmentLimits.agree(bind.maximumReceive, FragmentLimits.proposed),
      maximumReceive: FragmentLimits.agree(bind.maximumTransmit, FragmentLimits.proposed),
      // Any number but 0; associations have nothing in common here.
      associationGroup: bind.associationGroup == 0 ? 0x4942 : bind.associationGroup,
      secondaryAddress: address, results: results)
  }

  private mutating func accept(_ context: ProposedContext) -> ContextResult {
    guard let index = interfaces.firstIndex(where: { $0.id.serves(context.interface) }) else {
      return ContextResult(.refused(.interfaceNotSupported))
    }
    guard context.transferSyntaxes.contains(.ndr) else {
      return ContextResult(.refused(.transferSyntaxesNotSupported))
    }
    guard contexts.count < Bind.mostContexts || contexts[context.id] != nil else {
      return ContextResult(.refused(.localLimitExceeded))
    }
    contexts[context.id] = index
    return ContextResult(.accepted(.ndr))
  }

  // MARK: Calls

  private mutating func take(_ part: CallBody, _ pdu: PDU) -> Reaction {
    if pdu.flags.contains(.firstFragment) {
      // One call at a time, as was agreed on.
      guard call == nil else { return fault(.protocolError, pdu.callID, part.contextID, closes: true) }
      call = IncomingCall(id: pdu.callID, contextID: part.contextID, operation: part.operation, stub: [])
    }
    guard var incoming = call, incoming.id == pdu.callID, incoming.contextID == part.contextID else {
      return fault(.protocolError, pdu.callID, part.contextID, closes: true)
    }
    call = nil
    guard incoming.stub.count + part.stub.count <= FragmentLimits.stub else {
      return fault(.noMemory, pdu.callID, part.contextID, closes: true)
    }
    incoming.stub += part.stub
    guard pdu.flags.contains(.lastFragment) else {
      call = incoming
      return Reaction()
    }
    return serve(incoming)
  }

  private func serve(_ call: IncomingCall) -> Reaction {
    guard let index = contexts[call.contextID] else {
      return fault(.unknownInterface, call.id, call.contextID)
    }
    do throws(FaultStatus) {
      let results = try interfaces[index].serve(call.operation, call.stub)
      let response = CallBody(contextID: call.contextID, stub: results)
      return Reaction(bytes: PDU.fragments(of: response, .response, callID: call.id, limit: limit))
    } catch {
      return fault(error, call.id, call.contextID)
    }
  }

  private func fault(
    _ status: FaultStatus, _ callID: UInt32, _ contextID: UInt16, closes: Bool = false
  ) -> Reaction {
    Reaction(
      bytes: PDU(.fault(contextID: contextID, status), callID: callID, flags: [.whole, .didNotExecute])
        .encoded,
      closes: closes)
  }
}
