import DCERPC
import Testing

/// PDUs are what C706 says, and nothing that is not one is taken for one.
struct PDUTests {
  static let context = ProposedContext(
    3, EchoInterface.id, transferSyntaxes: [.ndr, SyntaxID(.null, major: 1)])
  static let samples: [PDU] = [
    PDU(.bind(Bind([context, ProposedContext(4, MessagesInterface.id)])), callID: 1),
    PDU(.alterContext(Bind([context])), callID: 2),
    PDU(.bindAck(acknowledgement("49152")), callID: 3),
    PDU(.alterContextResponse(acknowledgement("")), callID: 4),
    PDU(.bindNak(.protocolVersionNotSupported), callID: 5),
    PDU(.request(CallBody(contextID: 3, operation: 7, stub: [1, 2, 3])), callID: 6),
    PDU(
      .request(CallBody(contextID: 3, operation: 7, object: EchoInterface.id.uuid, stub: [])), callID: 7,
      flags: [.whole, .objectUUID]),
    PDU(.response(CallBody(contextID: 3, stub: Array(repeating: 9, count: 1000))), callID: .max),
    PDU(.fault(contextID: 3, .operationRange), callID: 8, flags: [.whole, .didNotExecute]),
    PDU(.bare(.cancel), callID: 9), PDU(.bare(.orphaned), callID: 10),
  ]

  private static func acknowledgement(_ address: String) -> BindAck {
    BindAck(
      maximumTransmit: 5840, maximumReceive: 4280, associationGroup: 77, secondaryAddress: address,
      results: [ContextResult(.accepted(.ndr)), ContextResult(.refused(.interfaceNotSupported))])
  }

  @Test(arguments: samples)
  func whatIsWrittenIsRead(_ pdu: PDU) throws {
    let bytes = pdu.encoded
    #expect(try PDU(bytes) == pdu)
    #expect(Int(bytes[8]) | Int(bytes[9]) << 8 == bytes.count)
  }

  @Test(arguments: samples)
  func noBeginningOfAPDUIsAPDU(_ pdu: PDU) {
    let bytes = pdu.encoded
    for count in 0..<bytes.count {
      // Also when its header says that this is all.
      var part = Array(bytes[..<count])
      #expect(throws: WireError.self) { try PDU(part) }
      guard count >= 16 else { continue }
      part[8] = UInt8(count & 0xff)
      part[9] = UInt8(count >> 8)
      // Data of a call may be as short as they like, and nobody reads the versions after a rejection.
      let mayBeShort = [.request, .response, .bindNak].contains(pdu.type)
      if (try? PDU(part)) != nil { #expect(mayBeShort || count >= 28) }
    }
  }

  /// As Samba 4.17 sends it to bind rpcecho: two contexts, the second one to find out what the server can.
  @Test func aBindOfSambasIsUnderstood() throws {
    let text =
      "05000b03100000007400000001000000d016d016000000000200000000000100c55ea160e84dd711a637005056a2018201000000045d888a"
      + "eb1cc9119fe808002b1048600200000001000100c55ea160e84dd711a637005056a20182010000002c1cb76c129840450300000000000000"
      + "01000000"
    let digits = Array(text)
    let bytes = stride(from: 0, to: digits.count, by: 2).map {
      UInt8(String(digits[$0...$0 + 1]), radix: 16)!
    }
    let pdu = try PDU(bytes)
    guard case .bind(let bind) = pdu.body else {
      Issue.record("no bind: \(pdu)")
      return
    }
    #expect(bind.maximumTransmit == 5840 && bind.contexts.count == 2)
    #expect(bind.contexts[0].interface == EchoInterface.id && bind.contexts[0].transferSyntaxes == [.ndr])
    #expect(pdu.encoded == bytes)
    var server = ServerAssociation([EchoInterface.interface], endpoint: "135")
    guard case .bindAck(let ack) = try PDU(server.receive(bytes).bytes).body else {
      Issue.record("not accepted")
      return
    }
    #expect(ack.results.map(\.outcome) == [.accepted(.ndr), .refused(.transferSyntaxesNotSupported)])
    #expect(ack.secondaryAddress == "135")
  }

  @Test func otherVersionsRepresentationsAndVerifiersAreRefused() {
    let bytes = PDUTests.samples[5].encoded
    func changed(_ index: Int, _ value: UInt8) -> [UInt8] {
      var other = bytes
      other[index] = value
      return other
    }
    #expect(throws: WireError.version(4, 0)) { try PDU(changed(0, 4)) }
    #expect(throws: WireError.version(5, 2)) { try PDU(changed(1, 2)) }
    #expect(throws: WireError.unknownType(1)) { try PDU(changed(2, 1)) }
    #expect(throws: WireError.dataRepresentation(0)) { try PDU(changed(4, 0)) }
    #expect(throws: WireError.authenticated) { try PDU(changed(10, 8)) }
    #expect(throws: WireError.fragmentLength(255)) { try PDU(changed(8, 255)) }
  }

  @Test(arguments: [0, 1, 8, 1407, 1408, 1409, 2816, 100_000])
  func fragmentsHoldTheDataInOrder(_ count: Int) throws {
    let stub = (0..<count).map { UInt8(truncatingIfNeeded: $0 &* 7 &+ $0 >> 8) }
    let call = CallBody(contextID: 1, operation: 2, stub: stub)
    let bytes = PDU.fragments(of: call, .request, callID: 5, limit: 1432)
    var stream = FragmentStream()
    var (collected, fragments) = ([UInt8](), [PDU]())
    // In pieces that have nothing to do with fragments.
    for start in stride(from: 0, to: bytes.count, by: 333) {
      bytes[start..<min(start + 333, bytes.count)].withUnsafeBytes { stream.append($0) }
      while let fragment = try stream.next() {
        #expect(fragment.count <= 1432)
        fragments.append(try PDU(fragment))
      }
    }
    for (index, fragment) in fragments.enumerated() {
      guard case .request(let part) = fragment.body else { continue }
      #expect(fragment.flags.contains(.firstFragment) == (index == 0))
      #expect(fragment.flags.contains(.lastFragment) == (index == fragments.count - 1))
      #expect(Int(part.allocationHint) == count - collected.count)
      collected += part.stub
    }
    #expect(collected == stub && !stream.isInside)
  }

  @Test(arguments: [PDUType.request, .response])
  func aHeaderInPlaceIsTheHeaderOfThePDU(_ type: PDUType) throws {
    let body = CallBody(
      contextID: 0, operation: type == .request ? 5 : 0, stub: Array(repeating: 1, count: 40))
    let bytes = PDU(type == .request ? .request(body) : .response(body), callID: 99).encoded
    let header = try bytes.withUnsafeBytes { try #require(CallHeader($0.baseAddress!)) }
    #expect(header.type == type && header.isFirst && header.isLast && header.fragmentByteCount == bytes.count)
    #expect(header.callID == 99 && header.operation == body.operation)
    var written = bytes
    written.withUnsafeMutableBytes { header.store(to: $0.baseAddress!, dataByteCount: 40) }
    #expect(written == bytes)
    // Whatever is unusual is left to the reader of whole PDUs.
    for (index, value) in [(0, 4), (1, 7), (2, 11), (3, 0x83), (4, 0), (10, 4), (9, 0xff)] as [(Int, UInt8)] {
      var other = bytes
      other[index] = value
      let isRead = other.withUnsafeBytes { CallHeader($0.baseAddress!) != nil }
      #expect(isRead == (index == 9), "byte \(index)")
    }
  }
}
