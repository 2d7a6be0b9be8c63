import DCERPC
import NetBIOS

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
  Target(name: "netbios-names", seeds: namePackets) { bytes in
    var reader = OctetReader(bytes)
    if let packet = try? NameServicePacket(&reader) { _ = packet.encoded }
  },
  Target(name: "netbios-sessions", seeds: sessionPackets) { bytes in
    let all = Array(bytes)
    if bytes.count >= SessionPacket.headerByteCount { _ = SessionPacket.messageByteCount(bytes.baseAddress!) }
    if let count = SessionPacket.byteCount(header: all), count <= all.count {
      if let packet = try? SessionPacket(Array(all[..<count])) { _ = packet.encoded }
    }
    _ = try? SessionPacket(all)
  },
  Target(name: "netbios-datagrams", seeds: datagrams) { bytes in
    guard let packet = try? DatagramPacket(bytes) else { return }
    _ = UnsafeRawBufferPointer(rebasing: bytes[packet.dataRange]).reduce(0, &+)
  },
  Target(name: "smb-mailslots", seeds: datagrams.map { Array($0.dropFirst(DatagramPacket.headerByteCount)) })
  { bytes in
    guard let write = try? MailslotWrite(bytes) else { return }
    _ = UnsafeRawBufferPointer(rebasing: bytes[write.dataRange]).reduce(0, &+)
  },
]

// MARK: NetBIOS

private let (own, peer) = (NetBIOSName("OWN", suffix: 0x20)!, NetBIOSName("PEER", suffix: 0x1c)!)
private let address = IPv4Address("192.0.2.1")!
private let owner = NameServicePacket.Owner(address)

private let namePackets: [[UInt8]] = [
  NameServicePacket.registration(1, own, of: owner), .refresh(2, own, of: owner), .release(3, own, of: owner),
  .query(4, own), .conflictDemand(5, own, of: owner),
  NameServicePacket.query(6, peer).response(.success, owners: [owner, owner, owner]),
  NameServicePacket.query(7, peer).response(.nameUnknown),
].map(\.encoded)

private let sessionPackets: [[UInt8]] = [
  SessionPacket.request(called: peer, calling: own), .positiveResponse, .negativeResponse(.unspecified),
  .retarget(address, port: 1139), .keepAlive,
].map(\.encoded)

private let datagrams: [[UInt8]] = {
  let transaction = MailslotWrite.header(name: "slot")
  func packet(_ header: [UInt8], _ data: [UInt8]) -> [UInt8] {
    var bytes = header + data
    bytes.withUnsafeMutableBytes {
      DatagramPacket.store(id: 1, dataByteCount: data.count, to: $0.baseAddress!)
    }
    return bytes
  }
  var write = transaction + [1, 2, 3, 4]
  write.withUnsafeMutableBytes {
    MailslotWrite.store(dataByteCount: 4, headerByteCount: transaction.count, to: $0.baseAddress!)
  }
  return [
    packet(DatagramPacket.header(.broadcast, from: own, at: address, to: peer), write),
    packet(DatagramPacket.header(.directUnique, from: own, at: address, to: peer), write),
    [0x13, 0x02, 0, 7, 192, 0, 2, 1, 0, 138, 0x82],
  ]
}()

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
