import IPCTransport
import LinuxIPC

extension Meeting {
  /// For a worker of a channel, which may have several of a role.
  init(_ place: Place, _ role: Role, _ crew: Crew) throws(SystemError) {
    let company: Company =
      crew.gathering == .pair ? .two : role == crew.manyRole ? .oneOfSeveral : .several
    try self.init(place, isFirst: role == .producer, company)
  }
}

/// One channel of a mechanism for each worker of the side that has several: what has to be done where one channel does
/// not bring more than two together. The other side has an end of all of them.
public enum EachOwn<P: ChannelProvider>: ChannelProvider {
  public static var mechanism: Mechanism { P.mechanism }
  public typealias Channel = [P.Channel]

  public static func probe(_ spec: ChannelSpec) throws(TransportError) { try P.probe(spec) }

  /// As for a pair, under names of its own.
  private static func spec(_ spec: ChannelSpec, _ index: Int) -> ChannelSpec {
    var own = spec
    own.serial += index
    own.crew = .pair
    return own
  }

  public static func open(_ spec: ChannelSpec) throws(TransportError) -> [P.Channel] {
    var channels: [P.Channel] = []
    do throws(TransportError) {
      for index in 0..<spec.crew.many { channels.append(try P.open(Self.spec(spec, index))) }
    } catch {
      close(channels)
      throw error
    }
    return channels
  }

  public static func launch(_ channels: [P.Channel], _ role: Role, _ spec: ChannelSpec) -> Launch {
    if case .fork = P.launch(channels[0], role, Self.spec(spec, 0)) { return .fork }
    return .spawn(address: address(of: channels))
  }

  public static func address(of channels: [P.Channel]) -> String {
    channels.map { P.address(of: $0) }.joined(separator: "\n")
  }

  public static func find(_ address: String, _ spec: ChannelSpec) throws(TransportError) -> [P.Channel] {
    var channels: [P.Channel] = []
    let lines = address.split(separator: "\n").map(String.init)
    for (index, line) in lines.enumerated() { channels.append(try P.find(line, Self.spec(spec, index))) }
    return channels
  }

  public static func relinquish(_ channels: [P.Channel]) { channels.forEach { P.relinquish($0) } }
  public static func close(_ channels: [P.Channel]) { channels.forEach { P.close($0) } }
  public static func removeLeftovers() { P.removeLeftovers() }

  public static func attach(
    _ channels: [P.Channel], as role: Role, _ spec: ChannelSpec
  ) throws(TransportError) -> [P.Attachment] {
    guard role == spec.crew.manyRole else {
      var attachments: [P.Attachment] = []
      for (index, channel) in channels.enumerated() {
        attachments.append(try P.attach(channel, as: role, Self.spec(spec, index)))
      }
      return attachments
    }
    // The others' ends, where this worker has inherited them.
    for (index, channel) in channels.enumerated() where index != spec.rank { P.relinquish(channel) }
    return [try P.attach(channels[spec.rank], as: role, Self.spec(spec, spec.rank))]
  }
}

/// Sends each message once over each of several channels; receives over the only one that a worker of the side that has
/// several holds.
public struct Copies<T: Transport & ~Copyable>: Transport, ~Copyable {
  public static var wait: WaitKind { T.wait }
  @usableFromInline let transports: UnsafeMutablePointer<T>
  @usableFromInline let count: Int

  public init(_ attachments: [T.Attachment], as role: Role, _ spec: ChannelSpec) throws(TransportError) {
    transports = .allocate(capacity: attachments.count)
    for (index, attachment) in attachments.enumerated() {
      (transports + index).initialize(to: try T(attachment, as: role, spec))
    }
    count = attachments.count
  }

  public var stalls: UInt64 { (0..<count).reduce(0) { $0 &+ (transports + $1).pointee.stalls } }
  public var facts: TransportFacts { transports.pointee.facts }

  @inlinable @inline(__always)
  public mutating func send(
    _ byteCount: Int, _ fill: (inout MutableRawSpan) -> Void
  ) throws(ExchangeError) {
    var index = 0
    while index != count {
      try (transports + index).pointee.send(byteCount, fill)
      index &+= 1
    }
  }

  @inlinable @inline(__always)
  public mutating func receive(_ body: (borrowing RawSpan) -> Void) throws(ExchangeError) {
    try transports.pointee.receive(body)
  }

  public mutating func shutDown() {
    for index in 0..<count { (transports + index).pointee.shutDown() }
    transports.deinitialize(count: count)
    transports.deallocate()
  }
}
