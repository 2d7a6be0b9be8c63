import Glibc
import IPCTransport
import LinuxIPC
import Services

/// Object linking and embedding: the message bus starts an object's server when somebody asks for it.
public enum OLE: ChannelProvider {
  public static var mechanism: Mechanism {
    var starting = Traits.notification(attach: [.name])
    starting.direction = .twoWay
    return Mechanism(
      id: "ole", summary: "objects whose server a private message bus starts on demand", counterpart: "OLE",
      variants: [
        .init("call", "a method of an object"),
        .init("activate", "a cold start: a server is started, makes an object, and ends", traits: starting),
        .init(
          "embed", "an object's view in the container's window: contents there, pixels back",
          traits: Traits(
            framing: .message, direction: .twoWay, reach: .host, attach: [.name], payloadCopies: 6,
            maximumMessageByteCount: EmbeddedView.largestMessage)),
      ],
      traits: Traits(
        framing: .call, direction: .twoWay, reach: .host, attach: [.name], payloadCopies: 6,
        maximumMessageByteCount: BusMeeting.largestMessage),
      explanation: explanation, manPages: ["dbus-daemon(1)", "sd-bus(3)", "sd_bus_call(3)", "Xvfb(1)"])
  }

  /// What the parent made; workers know the address only.
  public struct Channel: Sendable {
    var address: Address
    /// Nil in workers.
    var bus: MessageBus?
    /// Where the consumer finds its order when the bus starts it; empty where it is started as usual.
    var orderPath = ""
  }

  /// What a worker is told.
  public struct Address: Sendable {
    /// Begins all names of the channel on the bus.
    var name: String
    var bus: String
    /// Where views are shown.
    var display: XAddress?

    /// Names and addresses of the bus hold no line break.
    var text: String { [name, bus, display?.text ?? ""].joined(separator: "\n") }

    init(name: String, bus: String, display: XAddress?) {
      self.name = name
      self.bus = bus
      self.display = display
    }

    init?(_ text: String) {
      let parts = text.split(separator: "\n", omittingEmptySubsequences: false).map(String.init)
      guard parts.count == 3 else { return nil }
      self.init(name: parts[0], bus: parts[1], display: XAddress(parts[2]))
    }

    /// The name under which the consumer serves objects.
    var server: String { "\(name).server" }
    /// One of the names that start a server of their own; many, so that the next start need not wait for the end of
    /// the last server.
    func starting(_ index: Int) -> String { "\(startingNames).a\(index)" }
    var startingNames: String { "\(name).starting" }
  }

  /// Started and ended once for each wake-up of `:activate`.
  static var serverProgram: String { Program.companion("ipcbench-object-server") }
  static var startingNameCount: Int { 16 }

  public static func probe(_ spec: ChannelSpec) throws(TransportError) {
    try BusMeeting.probe()
    if spec.variant == "embed" { try XMeeting.probe() }
    if spec.variant == "activate", access(serverProgram, X_OK) != 0 {
      throw TransportError(
        .unavailable,
        "\(serverProgram) is missing: build it with 'swift build' and keep it beside this program.")
    }
  }

  public static func open(_ spec: ChannelSpec) throws(TransportError) -> Channel {
    let bus = try spec.service(MessageBus.self)
    let display = spec.variant == "embed" ? try spec.service(XServer.self).address : nil
    let address = Address(name: BusMeeting.name(spec), bus: bus.address, display: display)
    var channel = Channel(address: address, bus: bus)
    if spec.variant == "activate" {
      for index in 0..<startingNameCount {
        let name = address.starting(index)
        try bus.declare(name, command: [serverProgram, name])
      }
    } else {
      guard !spec.workerCommand.isEmpty else {
        throw TransportError(
          .unsupported,
          "The message bus starts an object's server: the two sides of \(mechanism.id(of: spec.variant)) cannot be "
            + "run by hand.")
      }
      channel.orderPath = try explaining("name a file") { () throws(SystemError) in
        try spec.scope.path(spec.name("order"))
      }
      try bus.declare(address.server, command: spec.workerCommand + ["@\(channel.orderPath)"])
    }
    let connection = try BusConnection(bus.address)
    defer { connection.close() }
    try connection.reload()
    return channel
  }

  /// The consumer of objects is started by the bus, when the producer asks for the first one.
  public static func launch(_ channel: Channel, _ role: Role, _ spec: ChannelSpec) -> Launch {
    let address = address(of: channel)
    return role == .consumer && !channel.orderPath.isEmpty
      ? .activated(address: address, orderPath: channel.orderPath) : .spawn(address: address)
  }

  public static func address(of channel: Channel) -> String { channel.address.text }

  public static func find(_ address: String, _ spec: ChannelSpec) throws(TransportError) -> Channel {
    guard let address = Address(address) else {
      throw TransportError(.unsupported, "'\(address)' is not a name and a message bus.")
    }
    return Channel(address: address)
  }

  public static func close(_ channel: Channel) {
    for index in 0..<startingNameCount { channel.bus?.withdraw(channel.address.starting(index)) }
    channel.bus?.withdraw(channel.address.server)
    if !channel.orderPath.isEmpty { SharedObject.removeFile(path: channel.orderPath) }
  }

  public static func attach(
    _ channel: Channel, as role: Role, _ spec: ChannelSpec
  ) throws(TransportError) -> Address { channel.address }
}
