import DCERPC
import Testing

/// A client and a server that talk to each other without a socket, and what a server does with those that do not keep to
/// the protocol.
struct AssociationTests {
  private static let interfaces = [EchoInterface.interface, MessagesInterface.echo]

  private func bound(_ interface: SyntaxID) throws -> (ClientAssociation, ServerAssociation) {
    var client = ClientAssociation(interface)
    var server = ServerAssociation(Self.interfaces, endpoint: "1")
    try client.receiveBindAck(server.receive(client.bind()).bytes)
    return (client, server)
  }

  /// Carries a call there and its answer back, fragment by fragment.
  private func call(
    _ client: inout ClientAssociation, _ server: inout ServerAssociation, _ operation: UInt16, _ stub: [UInt8]
  ) throws -> [UInt8] {
    var (there, back) = (FragmentStream(), FragmentStream())
    client.request(operation, stub).withUnsafeBytes { there.append($0) }
    while let fragment = try there.next() {
      let reaction = server.receive(fragment)
      #expect(!reaction.closes)
      reaction.bytes.withUnsafeBytes { back.append($0) }
    }
    while let fragment = try back.next() {
      if let result = try client.receive(fragment) { return result }
    }
    Issue.record("no answer")
    return []
  }

  @Test(arguments: [0, 1, 64, 65_496, 65_497, 1_000_000])
  func anEchoComesBack(_ count: Int) throws {
    var (client, server) = try bound(EchoInterface.id)
    let data = (0..<count).map { UInt8(truncatingIfNeeded: $0 ^ $0 >> 8) }
    for _ in 0..<2 {
      let result = try call(&client, &server, 1, EchoInterface.echoParameters(data))
      #expect(try EchoInterface.echoResult(result, count: count) == data)
    }
  }

  @Test func messagesInPlaceAreThoseOfNDR() throws {
    let message: [UInt8] = [5, 6, 7]
    let stub = MessagesInterface.parameters(message)
    #expect(stub.withUnsafeBytes { MessagesInterface.messageByteCount($0.baseAddress!, $0.count) } == 3)
    var prefix = [UInt8](repeating: 0, count: 8)
    prefix.withUnsafeMutableBytes { MessagesInterface.storeRequestPrefix(to: $0.baseAddress!, count: 3) }
    #expect(prefix + message == stub)
    var (client, server) = try bound(MessagesInterface.id)
    let reply = try call(&client, &server, MessagesInterface.call, stub)
    #expect(try MessagesInterface.reply(reply) == message)
    #expect(reply.withUnsafeBytes { MessagesInterface.replyByteCount($0.baseAddress!, $0.count) } == 3)
    var replyPrefix = [UInt8](repeating: 0, count: 12)
    replyPrefix.withUnsafeMutableBytes {
      MessagesInterface.storeResponsePrefix(to: $0.baseAddress!, count: 3)
    }
    #expect(replyPrefix + message == reply)
    // Counts that do not agree, that say more than there is, and much more than a message after it.
    for wrong in [
      [4, 0, 0, 0, 3, 0, 0, 0, 5, 6, 7], [9, 0, 0, 0, 9, 0, 0, 0, 5],
      [255, 255, 255, 255, 255, 255, 255, 255],
    ]
      as [[UInt8]]
    {
      #expect(wrong.withUnsafeBytes { MessagesInterface.messageByteCount($0.baseAddress!, $0.count) } == nil)
    }
  }

  @Test func aFaultSaysWhatIsWrongAndTheAssociationGoesOn() throws {
    var (client, server) = try bound(EchoInterface.id)
    #expect(throws: RPCFailure.fault(.operationRange)) { try call(&client, &server, 44, []) }
    #expect(throws: RPCFailure.fault(.badStubData)) { try call(&client, &server, 0, [1, 2]) }
    #expect(throws: RPCFailure.fault(.invalidBound)) {
      try call(&client, &server, 1, [2, 0, 0, 0, 1, 0, 0, 0, 9])
    }
    #expect(throws: RPCFailure.fault(.noMemory)) { try call(&client, &server, 3, [255, 255, 255, 255]) }
    let sum = try call(&client, &server, 0, EchoInterface.addOneParameters(.max))
    #expect(try EchoInterface.addOneResult(sum) == 0)
  }

  @Test func interfacesAndVersionsThatAreNotThereAreRefused() {
    for id in [
      SyntaxID(EchoInterface.id.uuid, major: 2), SyntaxID(EchoInterface.id.uuid, major: 1, minor: 1),
      EndpointMapper.id,
    ] {
      #expect(throws: RPCFailure.refused(.interfaceNotSupported)) { _ = try bound(id) }
    }
    #expect(throws: RPCFailure.rejected(.protocolVersionNotSupported)) {
      var client = ClientAssociation(EchoInterface.id)
      var server = ServerAssociation(Self.interfaces, endpoint: "1")
      var bind = client.bind()
      bind[0] = 6
      try client.receiveBindAck(server.receive(bind).bytes)
    }
  }

  @Test func aContextCanBeAddedLater() throws {
    var (client, server) = try bound(EchoInterface.id)
    let alter = PDU(.alterContext(Bind([ProposedContext(9, MessagesInterface.id)])), callID: 70)
    guard case .alterContextResponse(let ack) = try PDU(server.receive(alter.encoded).bytes).body else {
      Issue.record("not accepted")
      return
    }
    #expect(ack.results.map(\.outcome) == [.accepted(.ndr)])
    let request = CallBody(contextID: 9, operation: 0, stub: MessagesInterface.parameters([1]))
    let answer = try PDU(server.receive(PDU(.request(request), callID: 71).encoded).bytes)
    #expect(answer.type == .response && answer.callID == 71)
    // The first one is as it was.
    _ = try call(&client, &server, 0, EchoInterface.addOneParameters(1))
  }

  @Test func whoDoesNotKeepToTheProtocolIsToldAndThrownOut() throws {
    let request = PDU(.request(CallBody(contextID: 0, operation: 0, stub: [1, 0, 0, 0])), callID: 3)
    var unbound = ServerAssociation(Self.interfaces, endpoint: "1")
    #expect(unbound.receive(request.encoded).closes, "a call before a bind")
    let (_, fresh) = try bound(EchoInterface.id)
    var first = request
    first.flags = .firstFragment
    var second = first
    second.callID = 4
    var middle = first
    middle.flags = []
    for (pdus, why) in [
      ([first, second], "two calls at once"), ([middle], "a call without a beginning"),
      ([PDU(.response(CallBody(contextID: 0, stub: [])), callID: 1)], "a response"),
      ([PDU(.bind(Bind([])), callID: 1)], "a second bind"),
    ] {
      var server = fresh
      let reactions = pdus.map { server.receive($0.encoded) }
      #expect(reactions.last?.closes == true, "\(why)")
      #expect(try PDU(reactions.last?.bytes ?? []).type == .fault, "\(why)")
    }
    // Another context is a fault, no more.
    var server = fresh
    let unknown = server.receive(
      PDU(.request(CallBody(contextID: 5, operation: 0, stub: [])), callID: 1).encoded)
    #expect(!unknown.closes)
    #expect(try PDU(unknown.bytes).body == .fault(contextID: 5, .unknownInterface))
  }

  @Test func aCallWithoutEndIsRefusedBeforeItTakesAllMemory() throws {
    var (_, server) = try bound(EchoInterface.id)
    let part = CallBody(contextID: 0, operation: 2, stub: Array(repeating: 0, count: 60_000))
    for index in 0..<1000 {
      let reaction = server.receive(
        PDU(.request(part), callID: 9, flags: index == 0 ? .firstFragment : []).encoded)
      guard reaction.closes else { continue }
      #expect(try PDU(reaction.bytes).body == .fault(contextID: 0, .noMemory))
      return #expect(index * 60_000 <= 17 << 20)
    }
    Issue.record("60 MB were taken")
  }

  @Test func theEndpointMapperKnowsWhatItWasGiven() throws {
    let towers = [
      Tower(EchoInterface.id, .tcp(port: 49_152, address: [192, 0, 2, 2])),
      Tower(EchoInterface.id, .local("/run/echo")),
      Tower(MessagesInterface.id, .tcp(port: 7, address: [1, 2, 3, 4])),
    ]
    for tower in towers { #expect(try Tower(octets: tower.octets) == tower) }
    let mapper = EndpointMapper.interface(towers)
    func ask(_ id: SyntaxID, _ endpoint: Tower.Endpoint) throws -> [Tower] {
      try EndpointMapper.response(
        try mapper.serve(EndpointMapper.map, EndpointMapper.request(Tower(id, endpoint))))
    }
    let anyTCP = Tower.Endpoint.tcp(port: 0, address: [0, 0, 0, 0])
    #expect(try ask(EchoInterface.id, anyTCP) == [towers[0]])
    #expect(try ask(EchoInterface.id, .local("")) == [towers[1]])
    #expect(try ask(EndpointMapper.id, anyTCP).isEmpty)
    for count in 0..<towers[0].octets.count {
      #expect(throws: WireError.self) { try Tower(octets: Array(towers[0].octets[..<count])) }
    }
  }
}
