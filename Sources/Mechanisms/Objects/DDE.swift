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
        .init("cold", "a value poked, a value requested"),
        .init("warm", "news of a change, then a request for its value"),
        .init("hot", "news of a change, with its value"),
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
  /// For each item the clients that are linked to it, by their unique names on the bus.
  private var links: [String: [String: DDEProtocol.Link]] = [:]

  /// - Parameter topic: an object's path.
  public init(_ bus: BusConnection, topic: String, items: [String: [UInt8]]) {
    self.bus = bus
    self.topic = topic
    self.items = items
  }

  /// Changes an item, and tells those who are linked to it, each as it asked to be told.
  public mutating func set(_ item: String, _ value: [UInt8]) {
    items[item] = value
    for (client, link) in links[item] ?? [:] {
      guard let signal = bus.newSignal(topic, DDEProtocol.interface, link == .hot ? "Data" : "Changed") else {
        continue
      }
      signal.address(to: client)
      signal.append(text: item)
      if link == .hot { signal.append(bytes: value) }
      bus.send(signal)
    }
  }

  /// Ends the links of a client of which the bus says that it has left.
  public mutating func notice(_ message: borrowing BusMessage) {
    guard message.isSignal("NameOwnerChanged"), let client = message.readText() else { return }
    message.skipText()
    if message.readText() == "" { for item in links.keys { links[item]?[client] = nil } }
  }

  /// Serves one call. `execute` runs a command (WM_DDE_EXECUTE) and returns what came of it.
  public mutating func serve(_ call: borrowing BusMessage, execute: (String) -> String) -> Outcome {
    guard call.path == topic else { return refuse(call, "There is no topic \(call.path).") }
    guard let word = call.readText() else { return refuse(call, "The call names no item.") }
    if call.isCall("Execute") {
      bus.reply(to: call) { $0.append(text: execute(word)) }
      return .executed(word)
    }
    guard let value = items[word] else { return refuse(call, "There is no item '\(word)'.") }
    if call.isCall("Request") {
      bus.reply(to: call) { $0.append(bytes: value) }
      return .requested(word)
    }
    if call.isCall("Poke"), let bytes = call.readBytes() {
      set(word, Array(bytes))
      bus.reply(to: call)
      return .poked(word)
    }
    if call.isCall("Advise"), let link = call.readText().flatMap(DDEProtocol.Link.init(rawValue:)) {
      let client = call.sender
      try? bus.match(
        "type='signal',sender='org.freedesktop.DBus',member='NameOwnerChanged',arg0='\(client)'")
      links[word, default: [:]][client] = link
      bus.reply(to: call)
      return .advised(word)
    }
    if call.isCall("Unadvise") {
      links[word]?[call.sender] = nil
      bus.reply(to: call)
      return .unadvised(word)
    }
    return refuse(call, "\(call.member) is no transaction of DDE.")
  }

  private func refuse(_ call: borrowing BusMessage, _ sentence: String) -> Outcome {
    bus.refuse(call, Self.noSuchItem, sentence)
    return .refused
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

extension DDE {
  static var explanation: Explanation {
    Explanation(
      "A conversation about items, on a private message bus (dbus-daemon, sd-bus): the service is a name on "
        + "the bus, the topic an object's path, the item a text. In :cold the producer is the client: it "
        + "pokes a value into the consumer's item, and in a round trip requests one; each is a call and its "
        + "reply, two messages on the bus. In :warm and :hot each side serves an item of its own and is "
        + "linked to the other's. A warm link costs three messages for a value: a signal that it has "
        + "changed, the request, the reply. A hot link costs one, a signal with the value, and one "
        + "acknowledgement for each half of a window of updates. Every message passes the daemon, which "
        + "reads and writes it once more.",
      producer: [
        .startBus,
        .connectToBus(answers: "DdeInitialize"),
        .takeBusName("producer", answers: "DdeNameService(DNS_REGISTER)"),
        .awaitBusName(of: "consumer", answers: "DdeConnect, WM_DDE_INITIATE"),
        .watchBusName(),
        .init(
          "sd_bus_send(bus, Advise(\"item\", \"warm\" or \"hot\"), &cookie)",
          ":warm, :hot: asks for the link; goes on when the consumer has acknowledged this one, and this "
            + "side the consumer's, each within 5 s.",
          answers: "DdeClientTransaction(XTYP_ADVSTART)"),
        .init(
          "sd_bus_message_append_array(m, 'y', message, length)",
          "Each value goes into its message, behind the item's name: the first of six copies.",
          answers: "DdeCreateDataHandle"),
        .init(
          "sd_bus_send(bus, Poke(\"item\", message), &cookie); sd_bus_flush(bus)",
          ":cold: sends.",
          answers: "DdeClientTransaction(XTYP_POKE)"),
        .init(
          "poll(fd, POLLIN, 20 ms); sd_bus_process(bus, &reply)",
          ":cold: sleeps until the reply with this cookie acknowledges the value.",
          answers: "WM_DDE_ACK"),
        .init(
          "sd_bus_send(bus, Changed(\"item\"), NULL); sd_bus_flush(bus)",
          ":warm: sends, by a signal without the value.",
          answers: "DdePostAdvise"),
        .init(
          "poll(fd, POLLIN, 20 ms); sd_bus_process(bus, &request)",
          ":warm: sleeps until the consumer requests the value.",
          answers: "XTYP_REQUEST"),
        .init(
          "sd_bus_send(bus, reply(message), NULL); sd_bus_flush(bus)",
          ":warm: answers it; now the message has been sent.",
          answers: "WM_DDE_DATA"),
        .init(
          "sd_bus_send(bus, Data(\"item\", message), NULL); sd_bus_flush(bus)",
          ":hot: sends, by a signal with the value.",
          answers: "DdePostAdvise, XTYP_ADVREQ"),
        .init(
          "poll(fd, POLLIN, 20 ms); sd_bus_process(bus, &acknowledgement)",
          ":hot: only when a window of updates is unacknowledged, 4 MiB of them, but 2 at least and 64 at "
            + "most.",
          answers: "WM_DDE_ACK"),
        .init(
          "sd_bus_send(bus, Request(\"item\"), &cookie); sd_bus_process(bus, &reply)",
          ":cold, in a round trip: requests the echo. :warm and :hot take it with the consumer's calls.",
          answers: "DdeClientTransaction(XTYP_REQUEST)"),
        .init(
          "sd_bus_send(bus, Unadvise(\"item\"), NULL)",
          "The end, unless the other side has ended; nobody answers it.",
          answers: "DdeClientTransaction(XTYP_ADVSTOP), WM_DDE_UNADVISE"),
        .closeBus(answers: "DdeDisconnect, WM_DDE_TERMINATE, DdeUninitialize"),
        .stopBus,
      ],
      consumer: [
        .connectToBus(answers: "DdeInitialize"),
        .takeBusName("consumer", answers: "DdeNameService(DNS_REGISTER)"),
        .awaitBusName(of: "producer", answers: "DdeConnect, WM_DDE_INITIATE"),
        .watchBusName(),
        .init(
          "sd_bus_send(bus, Advise(\"item\", \"warm\" or \"hot\"), &cookie)",
          ":warm, :hot: asks for the link to the producer's item, and acknowledges the producer's.",
          answers: "DdeClientTransaction(XTYP_ADVSTART)"),
        .init(
          "poll(fd, POLLIN, 20 ms); sd_bus_process(bus, &m)",
          "Receives: sleeps until Poke (:cold), Changed (:warm) or Data (:hot) comes; Data brings the value.",
          answers: "XTYP_POKE, XTYP_ADVDATA"),
        .init(
          "sd_bus_send(bus, reply(), NULL); sd_bus_flush(bus)",
          ":cold: acknowledges the poke, whose value has been copied.",
          answers: "WM_DDE_ACK"),
        .init(
          "sd_bus_send(bus, Request(\"item\"), &cookie); sd_bus_flush(bus)",
          ":warm: fetches the value.",
          answers: "DdeClientTransaction(XTYP_REQUEST)"),
        .init(
          "poll(fd, POLLIN, 20 ms); sd_bus_process(bus, &reply)",
          ":warm: sleeps until the reply brings it.",
          answers: "WM_DDE_DATA"),
        .init(
          "sd_bus_message_read_array(m, 'y', &bytes, &length); memcpy",
          "Takes the value out of its message: the last copy.",
          answers: "DdeGetData"),
        .init(
          "sd_bus_send(bus, Acknowledge(\"item\", count), NULL); sd_bus_flush(bus)",
          ":hot: once for every half of a window, as a call that wants no reply (fAckReq).",
          answers: "WM_DDE_ACK"),
        .init(
          "sd_bus_process(bus, &request); sd_bus_send(bus, reply(message), NULL)",
          ":cold, in a round trip: waits until the echo is requested, and answers. :warm and :hot send it "
            + "with the producer's calls.",
          answers: "XTYP_REQUEST"),
        .init(
          "sd_bus_send(bus, Unadvise(\"item\"), NULL)",
          "The end, unless the other side has ended; nobody answers it.",
          answers: "DdeClientTransaction(XTYP_ADVSTOP), WM_DDE_UNADVISE"),
        .closeBus(answers: "DdeDisconnect, WM_DDE_TERMINATE, DdeUninitialize"),
      ],
      limits: [
        "A value has at most 16 MiB here; the D-Bus specification allows arrays of 64 MiB.",
        "Each payload byte is copied six times, two of them by the daemon, whose CPU time is in no figure "
          + "here.",
        "Signals queue: whoever is late for a hot link gets every value in turn, not the latest; the window "
          + "is what keeps a fast server from filling the daemon.",
        "News of a warm link says that there is a value, not which: match on the value that is fetched, "
          + "never on the number of signals.",
        "A measured link has one topic, one item and one client. Several items, Execute (XTYP_EXECUTE), and "
          + "links that begin and end in the course of a conversation are in DDEServer and DDEClient, and "
          + "not measured.",
        "Whoever is let in on the bus may take part: it admits its own user only, and calls are served for "
          + "every sender.",
      ],
      useWhen:
        "You port a program that speaks DDE, or want its shape: many values in one server, of which each "
        + "client follows those that it has asked for.",
      avoidWhen:
        "A value is large or changes thousands of times a second: every change passes a daemon; "
        + "shared-memory shows the latest value without a message, and unix-seqpacket sends each one with a "
        + "third of the copies.")
  }
}
