import Glibc
import IPCTransport
import LinuxIPC
import Services

/// Dynamic Data Exchange over a message bus: a client asks a server for an item of a topic, once or whenever it
/// changes.
public enum DDE: ChannelProvider {
  public static var mechanism: Mechanism {
    Mechanism(
      id: "dde", summary: "items of a topic on a private message bus, requested or linked",
      counterpart: "DDE",
      variants: [
        .init("cold", "one request, one value; a value poked the other way"),
        .init("warm", "told of each change, then requested"),
        .init("hot", "the value comes with the news"),
      ],
      traits: Traits(
        framing: .message, direction: .twoWay, reach: .host, attach: [.name], payloadCopies: 6,
        maximumMessageByteCount: BusMeeting.largestMessage),
      explanation: explanation,
      manPages: ["dbus-daemon(1)", "sd-bus(3)", "sd_bus_send(3)", "sd_bus_process(3)"])
  }

  public static func probe(_ spec: ChannelSpec) throws(TransportError) { try BusMeeting.probe() }
  public static func open(_ spec: ChannelSpec) throws(TransportError) -> String {
    try BusMeeting.address(spec)
  }
  public static func close(_ address: String) {}

  public static func attach(
    _ address: String, as role: Role, _ spec: ChannelSpec
  ) throws(TransportError) -> BusCallAttachment {
    let (name, bus) = try BusMeeting.find(address)
    return BusCallAttachment(bus: bus, meeting: name)
  }
}

/// A server of items: everything that a conversation can ask for. Measured links have just what they need of it.
public struct DDEServer {
  /// What became of a call.
  public enum Outcome: Equatable {
    case requested(String)
    case poked(String)
    case executed(String)
    case advised(String)
    case unadvised(String)
    /// Unknown topic or item, or a call that DDE does not have: the caller was told.
    case refused
  }

  public static var noSuchItem: String { "org.ipcbench.DDE1.Error.NoSuchItem" }

  private let bus: BusConnection
  private let topic: String
  public private(set) var items: [String: [UInt8]]
  private var links: [String: DDEProtocol.Link] = [:]

  /// - Parameter topic: an object's path.
  public init(_ bus: BusConnection, topic: String, items: [String: [UInt8]]) {
    self.bus = bus
    self.topic = topic
    self.items = items
  }

  /// Changes an item, and tells those who are linked to it.
  public mutating func set(_ item: String, _ value: [UInt8]) {
    items[item] = value
    guard let link = links[item] else { return }
    guard let signal = bus.newSignal(topic, DDEProtocol.interface, link == .hot ? "Data" : "Changed") else {
      return
    }
    signal.append(text: item)
    if link == .hot { signal.append(bytes: value) }
    bus.send(signal)
  }

  /// Serves one call. `execute` runs a command (WM_DDE_EXECUTE) and returns what came of it.
  public mutating func serve(_ call: borrowing BusMessage, execute: (String) -> String) -> Outcome {
    guard call.path == topic else { return refuse(call, "There is no topic \(call.path).") }
    guard let word = call.readText() else { return refuse(call, "The call names no item.") }
    if call.isCall("Execute") {
      reply(call) { $0.append(text: execute(word)) }
      return .executed(word)
    }
    guard let value = items[word] else { return refuse(call, "There is no item '\(word)'.") }
    if call.isCall("Request") {
      reply(call) { $0.append(bytes: value) }
      return .requested(word)
    }
    if call.isCall("Poke"), let bytes = call.readBytes() {
      set(word, Array(bytes))
      reply(call) { _ in }
      return .poked(word)
    }
    if call.isCall("Advise"), let link = call.readText().flatMap(DDEProtocol.Link.init(rawValue:)) {
      links[word] = link
      reply(call) { _ in }
      return .advised(word)
    }
    if call.isCall("Unadvise") {
      links[word] = nil
      reply(call) { _ in }
      return .unadvised(word)
    }
    return refuse(call, "\(call.member) is no transaction of DDE.")
  }

  private func refuse(_ call: borrowing BusMessage, _ sentence: String) -> Outcome {
    bus.refuse(call, Self.noSuchItem, sentence)
    return .refused
  }

  private func reply(_ call: borrowing BusMessage, _ fill: (borrowing BusMessage) -> Void) {
    guard call.expectsReply, let reply = bus.newReply(to: call) else { return }
    fill(reply)
    bus.send(reply)
  }
}

/// The client's transactions, each waiting for the server's answer.
public struct DDEClient {
  private let bus: BusConnection
  private let service: String
  private let topic: String

  /// Begins a conversation (WM_DDE_INITIATE): signals of the service's are delivered from now on.
  public init(_ bus: BusConnection, service: String, topic: String) throws(TransportError) {
    self.bus = bus
    self.service = service
    self.topic = topic
    try bus.match("type='signal',sender='\(service)',path='\(topic)'")
  }

  private func call(
    _ member: StaticString, _ word: String, _ fill: (borrowing BusMessage) -> Void = { _ in }
  ) throws(TransportError) -> BusMessage {
    try bus.call(service, topic, DDEProtocol.interface, member) {
      $0.append(text: word)
      fill($0)
    }
  }

  public func request(_ item: String) throws(TransportError) -> [UInt8] {
    let reply = try call("Request", item)
    return reply.readBytes().map { Array($0) } ?? []
  }

  public func poke(_ item: String, _ value: [UInt8]) throws(TransportError) {
    _ = try call("Poke", item) { $0.append(bytes: value) }
  }

  public func execute(_ command: String) throws(TransportError) -> String {
    let reply = try call("Execute", command)
    return reply.readText() ?? ""
  }

  /// - Parameter isHot: whether the value comes with the news.
  public func advise(_ item: String, isHot: Bool) throws(TransportError) {
    let link: DDEProtocol.Link = isHot ? .hot : .warm
    _ = try call("Advise", item) { $0.append(text: link.rawValue) }
  }

  public func unadvise(_ item: String) throws(TransportError) { _ = try call("Unadvise", item) }
}
