import DCERPC

/// Every parser that reads what a peer has sent, with packets that it accepts.
let targets: [Target] = [
  Target(name: "dce-pdu", seeds: pdus) { bytes in
    var reader = WireReader(bytes)
    if let pdu = try? PDU(&reader) { _ = pdu.encoded }
    guard let base = bytes.baseAddress, bytes.count >= CallHeader.byteCount else { return }
    _ = CallHeader(base)
    let stub = bytes.count - CallHeader.byteCount
    _ = MessagesInterface.messageByteCount(base + CallHeader.byteCount, stub)
    _ = MessagesInterface.replyByteCount(base + CallHeader.byteCount, stub)
  },
  Target(name: "dce-server", seeds: conversations) { bytes in
    // As a stranger who has connected: whatever comes is cut into fragments and answered.
    var (stream, server) = (FragmentStream(), ServerAssociation(interfaces, endpoint: "135"))
    stream.append(bytes)
    while let fragment = try? stream.next() {
      if server.receive(fragment).closes { return }
    }
  },
  Target(name: "dce-client", seeds: answers) { bytes in
    var (stream, client) = (FragmentStream(), ClientAssociation(EchoInterface.id))
    _ = client.bind()
    stream.append(bytes)
    guard let first = try? stream.next(), (try? client.receiveBindAck(first)) != nil else { return }
    _ = client.request(0, EchoInterface.addOneParameters(1))
    while let fragment = try? stream.next() {
      guard let result = try? client.receive(fragment) else { continue }
      _ = try? EchoInterface.addOneResult(result)
      _ = try? EndpointMapper.response(result)
      _ = try? MessagesInterface.reply(result)
    }
  },
  Target(name: "ndr", seeds: stubs) { bytes in
    let stub = Array(bytes)
    for interface in interfaces {
      for operation in 0..<5 as Range<UInt16> { _ = try? interface.serve(operation, stub) }
    }
    _ = try? EndpointMapper.response(stub)
    _ = try? MessagesInterface.reply(stub)
    _ = try? Tower(octets: stub)
  },
]

// MARK: DCE/RPC

private let tower = Tower(EchoInterface.id, .tcp(port: 135, address: [192, 0, 2, 2]))
private let interfaces = [
  EchoInterface.interface, MessagesInterface.echo,
  EndpointMapper.interface([tower, Tower(MessagesInterface.id, .local("/run/messages"))]),
]

private let contexts = [
  ProposedContext(0, EchoInterface.id), ProposedContext(1, MessagesInterface.id),
  ProposedContext(2, EndpointMapper.id),
]
private let bind = PDU(.bind(Bind(contexts)), callID: 1).encoded

private let stubs: [[UInt8]] = [
  EchoInterface.addOneParameters(41), EchoInterface.echoParameters([1, 2, 3]),
  MessagesInterface.parameters([4, 5, 6, 7]),
  EndpointMapper.request(tower), tower.octets, Tower(EchoInterface.id, .local("/x")).octets,
  (try? interfaces[2].serve(EndpointMapper.map, EndpointMapper.request(tower))) ?? [],
]

/// A bind, a few calls, one of them in fragments, another context.
private let conversations: [[UInt8]] = {
  func call(_ context: UInt16, _ operation: UInt16, _ stub: [UInt8], limit: Int = 1432) -> [UInt8] {
    PDU.fragments(
      of: CallBody(contextID: context, operation: operation, stub: stub), .request, callID: 2, limit: limit)
  }
  let long = call(0, 1, EchoInterface.echoParameters(Array(repeating: 7, count: 200)), limit: 64)
  let alter = PDU(.alterContext(Bind([ProposedContext(7, MessagesInterface.id)])), callID: 3).encoded
  return [
    bind + call(0, 0, EchoInterface.addOneParameters(1)) + long,
    bind + alter + call(7, 0, MessagesInterface.parameters([1])),
    bind + call(2, EndpointMapper.map, EndpointMapper.request(tower)),
    bind + PDU(.bare(.orphaned), callID: 2).encoded + call(0, 3, EchoInterface.addOneParameters(100)),
  ]
}()

private let answers: [[UInt8]] = conversations.map { conversation in
  var (stream, server) = (FragmentStream(), ServerAssociation(interfaces, endpoint: "135"))
  conversation.withUnsafeBytes { stream.append($0) }
  var bytes: [UInt8] = []
  while let fragment = try? stream.next() { bytes += server.receive(fragment).bytes }
  return bytes
}

private let pdus: [[UInt8]] =
  [
    bind, PDU(.bindNak(.notSpecified), callID: 1).encoded,
    PDU(.fault(contextID: 0, .operationRange), callID: 1).encoded,
    PDU(
      .request(
        CallBody(
          contextID: 0, operation: 0, object: EchoInterface.id.uuid,
          stub: MessagesInterface.parameters([1, 2]))), callID: 5
    ).encoded,
  ] + answers
