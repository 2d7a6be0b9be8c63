/// Where a server can be reached, as the endpoint mapper has it: a tower of floors, one for each protocol
/// (C706, appendix L).
public struct Tower: Equatable, Sendable {
  public enum Endpoint: Equatable, Sendable {
    /// ncacn_ip_tcp: a port of an IPv4 address, whose bytes these are.
    case tcp(port: UInt16, address: [UInt8])
    /// ncalrpc: a path of this host.
    case local(String)
  }

  public var interface: SyntaxID
  public var endpoint: Endpoint

  public init(_ interface: SyntaxID, _ endpoint: Endpoint) {
    self.interface = interface
    self.endpoint = endpoint
  }

  /// Protocol identifiers (C706, appendix I).
  private enum Floor {
    static var uuid: UInt8 { 0x0d }
    static var connectionOriented: UInt8 { 0x0b }
    static var local: UInt8 { 0x0c }
    static var tcp: UInt8 { 0x07 }
    static var ip: UInt8 { 0x09 }
    static var unixSocket: UInt8 { 0x10 }
  }

  // MARK: Octets

  public var octets: [UInt8] {
    var writer = WireWriter()
    let isTCP = if case .tcp = endpoint { true } else { false }
    writer.uint16(isTCP ? 5 : 4)
    Self.write(interface, to: &writer)
    Self.write(.ndr, to: &writer)
    Self.floor([isTCP ? Floor.connectionOriented : Floor.local], [0, 0], &writer)
    switch endpoint {
    case .tcp(let port, let address):
      // Numbers of the transport are in network order.
      Self.floor([Floor.tcp], [UInt8(port >> 8), UInt8(port & 0xff)], &writer)
      Self.floor([Floor.ip], address, &writer)
    case .local(let path): Self.floor([Floor.unixSocket], Array(path.utf8) + [0], &writer)
    }
    return writer.bytes
  }

  private static func write(_ syntax: SyntaxID, to writer: inout WireWriter) {
    var left = WireWriter()
    left.uint8(Floor.uuid)
    left.uuid(syntax.uuid)
    left.uint16(syntax.major)
    floor(left.bytes, [UInt8(syntax.minor & 0xff), UInt8(syntax.minor >> 8)], &writer)
  }

  private static func floor(_ left: [UInt8], _ right: [UInt8], _ writer: inout WireWriter) {
    writer.uint16(UInt16(left.count))
    writer.append(left)
    writer.uint16(UInt16(clamping: right.count))
    writer.append(right)
  }

  /// Reads a tower of one of the two kinds.
  public init(octets: [UInt8]) throws(WireError) {
    self = try WireReader.read(octets) { reader throws(WireError) in
      let count = try reader.uint16()
      guard (4...5).contains(count) else { throw .tower }
      let interface = try Self.syntax(&reader)
      guard try Self.syntax(&reader) == .ndr else { throw .tower }
      let (protocolID, _) = try Self.floor(&reader)
      let (transportID, transport) = try Self.floor(&reader)
      switch (protocolID, transportID, count) {
      case ([Floor.connectionOriented], [Floor.tcp], 5):
        let (networkID, address) = try Self.floor(&reader)
        guard networkID == [Floor.ip], address.count == 4, transport.count == 2 else { throw .tower }
        let port = UInt16(transport[0]) << 8 | UInt16(transport[1])
        return Tower(interface, .tcp(port: port, address: address))
      case ([Floor.local], [Floor.unixSocket], 4):
        return Tower(interface, .local(String(decoding: transport.prefix { $0 != 0 }, as: UTF8.self)))
      default: throw .tower
      }
    }
  }

  private static func floor(_ reader: inout WireReader) throws(WireError) -> (left: [UInt8], right: [UInt8]) {
    let left = Array(try reader.take(Int(try reader.uint16())))
    return (left, Array(try reader.take(Int(try reader.uint16()))))
  }

  private static func syntax(_ reader: inout WireReader) throws(WireError) -> SyntaxID {
    let (left, right) = try floor(&reader)
    guard left.count == 19, left[0] == Floor.uuid, right.count == 2 else { throw .tower }
    let (uuid, major) = try WireReader.read(Array(left[1...])) { reader throws(WireError) in
      (try reader.uuid(), try reader.uint16())
    }
    return SyntaxID(uuid, major: major, minor: UInt16(right[0]) | UInt16(right[1]) << 8)
  }
}

/// The interface by which a client finds a server's endpoint: ept_map of the endpoint mapper (C706, appendix O; known at
/// TCP port 135). `interface` offers what it is given; nothing can be registered by the network.
public enum EndpointMapper {
  public static var id: SyntaxID {
    SyntaxID(RPCUUID(0xe1af_8308, 0x5d1f, 0x11c9, node: 0x91a4_0800_2b14_a0fa), major: 3)
  }

  /// The operation ept_map.
  public static var map: UInt16 { 3 }

  /// ept_s_not_registered
  static var notRegistered: UInt32 { 0x16c9_a0d6 }
  static var mostTowers: Int { 64 }
  static var largestTower: Int { 1024 }

  public static func interface(_ towers: [Tower]) -> RPCInterface {
    RPCInterface(id) { operation, stub throws(FaultStatus) in
      guard operation == map else { throw .operationRange }
      let wanted = try parameters(stub) { decoder throws(WireError) in try decodeRequest(&decoder) }
      let found = towers.filter { matches($0, wanted.tower) }
      return encodeResponse(Array(found.prefix(Int(min(wanted.most, UInt32(mostTowers))))))
    }
  }

  /// The interface is served, and over the protocol that is asked for.
  private static func matches(_ tower: Tower, _ wanted: Tower) -> Bool {
    let isSameKind =
      switch (tower.endpoint, wanted.endpoint) {
      case (.tcp, .tcp), (.local, .local): true
      default: false
      }
    return isSameKind && tower.interface.serves(wanted.interface)
  }

  // MARK: Request

  /// Asks for the endpoint of an interface; what the tower says of the endpoint does not matter.
  public static func request(_ tower: Tower) -> [UInt8] {
    var encoder = NDREncoder()
    // No object: a null UUID, as other clients send it.
    encoder.pointer()
    encoder.uuid(.null)
    encoder.pointer()
    encoder.tower(tower.octets)
    encoder.contextHandle(ContextHandle())
    encoder.uint32(4)
    return encoder.bytes
  }

  static func decodeRequest(_ decoder: inout NDRDecoder) throws(WireError) -> (tower: Tower, most: UInt32) {
    if try decoder.pointer() { _ = try decoder.uuid() }
    guard try decoder.pointer() else { throw .null }
    let tower = try Tower(octets: try decoder.tower(atMost: largestTower))
    _ = try decoder.contextHandle()
    return (tower, try decoder.uint32())
  }

  // MARK: Response

  static func encodeResponse(_ towers: [Tower]) -> [UInt8] {
    var encoder = NDREncoder()
    // All is told at once: there is nothing to be continued.
    encoder.contextHandle(ContextHandle())
    encoder.uint32(UInt32(towers.count))
    encoder.varyingBounds(size: UInt32(towers.count), count: towers.count)
    for _ in towers { encoder.pointer() }
    for tower in towers { encoder.tower(tower.octets) }
    encoder.uint32(towers.isEmpty ? notRegistered : 0)
    return encoder.bytes
  }

  /// The towers; empty where the interface is not registered. Those of protocols that are not known here are left out.
  public static func response(_ stub: [UInt8]) throws(WireError) -> [Tower] {
    try NDRDecoder.decode(stub) { decoder throws(WireError) in
      _ = try decoder.contextHandle()
      let announced = try decoder.uint32()
      let count = try decoder.varyingCount(atMost: mostTowers)
      guard announced == UInt32(count) else { throw .bound }
      var present = 0
      for _ in 0..<count { if try decoder.pointer() { present += 1 } }
      var towers: [Tower] = []
      for _ in 0..<present {
        let octets = try decoder.tower(atMost: largestTower)
        do throws(WireError) { towers.append(try Tower(octets: octets)) } catch {}
      }
      _ = try decoder.uint32()
      return towers
    }
  }
}

extension NDREncoder {
  /// `typedef struct { unsigned32 tower_length; [size_is(tower_length)] byte tower_octet_string[]; } twr_t`: the size of
  /// an array at the end of a structure comes before the structure (C706, section 14.3.7.1).
  mutating func tower(_ octets: [UInt8]) {
    uint32(UInt32(octets.count))
    byteArray(octets)
  }
}

extension NDRDecoder {
  mutating func tower(atMost limit: Int) throws(WireError) -> [UInt8] {
    let size = try uint32()
    guard size <= UInt32(limit) else { throw .tooMany(Int(size)) }
    return try byteArray(size)
  }
}
