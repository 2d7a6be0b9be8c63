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

extension OLE {
  static var explanation: Explanation {
    Explanation(
      "Objects in other processes, each known by its server's name on a private message bus and by its path "
        + "there: the bus starts the server when somebody calls a name that nobody owns. :call is a method "
        + "of an object; getting the object, with the start of its server, is timed apart, as activation. "
        + ":activate is nothing but cold starts: each message is a server that is started, makes an object, "
        + "and ends when the object is let go. :embed shows an object in a window of the container's "
        + "(XEMBED): contents go to it over the bus, and what its server paints is read from the screen, "
        + "three bytes in each pixel. The producer is the client and container, the consumer the server; for "
        + ":activate the consumer watches, and ipcbench-object-server is started.",
      producer: [
        .startBus,
        .startXServer("embed"),
        .init(
          "write(\"<bus>/services/<name>.service\", \"[D-BUS Service]\\nName=…\\nExec=…\")",
          "The harness: which program the name starts. :activate declares 16 names, so that a start need "
            + "not wait for the end of the last server.",
          answers: "LocalServer32"),
        .init("sd_bus_call(bus, ReloadConfig(), 15 s)", "The harness: has the bus read it."),
        .connectToBus(answers: "CoInitialize"),
        .init(
          "sd_bus_call(bus, Create(), 15 s)",
          ":call, :embed: to the consumer's name, which starts it; returns when it has made an object, "
            + "whose path is the answer. The clock stops here: activation.",
          answers: "CoCreateInstance"),
        .takeBusName("producer", "activate"),
        .awaitBusName(of: "consumer", "activate"),
        .watchBusName(),
        .init(
          "sd_bus_send(bus, Call(message), &cookie); sd_bus_flush(bus)",
          ":call: sends, to the object's path.",
          answers: "IDispatch::Invoke"),
        .init(
          "poll(fd, POLLIN, 20 ms); sd_bus_process(bus, &reply)",
          ":call: sleeps until the answer with this cookie has come.",
          answers: "IDispatch::Invoke"),
        .init(
          "sd_bus_send(bus, Create(), &cookie); sd_bus_flush(bus)",
          ":activate: sends, to the next of the 16 names; the bus starts its server.",
          answers: "CoCreateInstance"),
        .init(
          "poll(fd, POLLIN, 20 ms); sd_bus_process(bus, &reply)",
          ":activate: sleeps until the server has answered with an object's path, or the bus says why it "
            + "could not be started."),
        .init(
          "sd_bus_send(bus, Release(), NULL); sd_bus_flush(bus)",
          ":activate: lets the object go, with which its server ends. In a round trip a signal of the "
            + "consumer's follows: Seen.",
          answers: "IUnknown::Release"),
        .connectToXServer("embed"),
        .init(
          "xcb_create_window(c, 0, window, root, 0, 0, 256, 86, …); xcb_map_window",
          ":embed: the place for the view.",
          answers: "CreateWindow"),
        .init(
          "sd_bus_call(bus, Show(), 15 s)",
          ":embed: the answer is the server's window.",
          answers: "IOleObject::DoVerb(OLEIVERB_SHOW)"),
        .init(
          "xcb_reparent_window(c, view, window, 0, 0); xcb_map_window(c, view)",
          ":embed: takes it in, if its property _XEMBED_INFO says that it knows XEMBED.",
          answers: "IOleInPlaceSite::OnInPlaceActivate"),
        .init("xcb_send_event(view, _XEMBED: EMBEDDED_NOTIFY)", ":embed: tells it that it is in its place."),
        .init(
          "xcb_get_image(ZPixmap, window, 0, 0, 1, 1)",
          ":embed: again and again, for 5 s at most, until the pixel is not black. The time from Create to "
            + "here counts as first paint."),
        .init(
          "sd_bus_send(bus, Edit(message), &cookie); sd_bus_process(bus, &reply)",
          ":embed: sends; the message has arrived when it is acknowledged.",
          answers: "IDataObject::SetData"),
        .init(
          "sd_bus_process(bus, &m): Painted(length)",
          ":embed, in a round trip: sleeps until the server says that it has painted the echo.",
          answers: "IAdviseSink::OnViewChange"),
        .init(
          "xcb_get_image(ZPixmap, window, 0, 0, 256, lines)",
          ":embed, in a round trip: reads the lines that hold it from the screen, and takes three bytes out "
            + "of each pixel.",
          answers: "BitBlt, GetDIBits"),
        .init(
          "sd_bus_call(bus, Release(), 2 s)",
          ":call, :embed: lets the object go; a server that has ended by itself is fine too.",
          answers: "IUnknown::Release"),
        .closeBus(answers: "CoUninitialize"),
        .closeXConnection("embed"),
        .stopXServer("embed"),
        .stopBus,
      ],
      consumer: [
        .init(
          "execve(\"ipcbench\", {\"worker\", \"@<order>\"})",
          ":call, :embed: the daemon starts it; the harness has written the order, what to do and where, to "
            + "a file."),
        .connectToBus(answers: "CoInitialize"),
        .init(
          "sd_bus_request_name(bus, \"org.ipcbench.<run>.<channel>.server\", 0)",
          ":call, :embed: now the bus hands over the call for which it has started the server.",
          answers: "CoRegisterClassObject"),
        .init(
          "sd_bus_process(bus, &call): Create; sd_bus_send(bus, reply(path), NULL)",
          ":call, :embed: makes an object, held once; 5 s at most.",
          answers: "IClassFactory::CreateInstance"),
        .init(
          "sd_bus_call(bus, AddMatch(NameOwnerChanged of the 16 names), 15 s)",
          ":activate: the bus will tell of each server."),
        .takeBusName("consumer", "activate"),
        .awaitBusName(of: "producer", "activate"),
        .watchBusName(),
        .init(
          "poll(fd, POLLIN, 20 ms); sd_bus_process(bus, &call)",
          ":call: receives: sleeps until there is a Call on its object; one on another object is refused, "
            + "NoSuchObject.",
          answers: "IDispatch::Invoke"),
        .init(
          "sd_bus_send(bus, reply(answer), NULL); sd_bus_flush(bus)",
          ":call: answers; in a round trip with the echo, else with nothing."),
        .init(
          "sd_bus_process(bus, &m): NameOwnerChanged",
          ":activate: receives: sleeps until the bus says that one of the 16 names has an owner; the start "
            + "of a server is the message."),
        .init("sd_bus_send(bus, Seen(), NULL); sd_bus_flush(bus)", ":activate, in a round trip: says so."),
        .init(
          "execve(\"ipcbench-object-server\", {name})",
          ":activate: the daemon starts it, once for each message: it connects to $DBUS_STARTER_ADDRESS, "
            + "takes the name, answers Create, and ends with the last Release.",
          answers: "CoRegisterClassObject, CoRevokeClassObject"),
        .init(
          "AddReference(), Release()",
          "ipcbench-object-server counts who holds an object; a trial holds it once.",
          answers: "IUnknown::AddRef, IUnknown::Release"),
        .init(
          "Load(contents), Append(contents), Close(); SaveObject(contents)",
          "ipcbench-object-server keeps a document's object: Close gives its contents back to whoever has "
            + "loaded it before the object ends. Not measured.",
          answers: "IPersistStorage::Load, IOleObject::Close, IOleClientSite::SaveObject"),
        .connectToXServer("embed"),
        .init(
          "xcb_create_window(c, 0, view, root, 0, 0, 256, 86, …)",
          ":embed: the view, not shown yet; its property _XEMBED_INFO says version 0, show me.",
          answers: "CreateWindow"),
        .init(
          "sd_bus_process(bus, &call): Show; sd_bus_send(bus, reply(view), NULL)",
          ":embed: gives the window away, and waits for EMBEDDED_NOTIFY; 5 s at most for each.",
          answers: "IOleObject::DoVerb(OLEIVERB_SHOW)"),
        .init("xcb_put_image(ZPixmap, view, 256, 1, …)", ":embed: a white line, the first thing to be seen."),
        .init(
          "sd_bus_process(bus, &call): Edit; sd_bus_send(bus, reply(), NULL)",
          ":embed: receives: copies the message and acknowledges it.",
          answers: "IDataObject::SetData"),
        .init(
          "xcb_put_image(ZPixmap, view, 256, lines, …); xcb_get_input_focus(c)",
          ":embed, in a round trip: paints the echo, and waits until the server has done so.",
          answers: "IViewObject::Draw"),
        .init(
          "sd_bus_send(bus, Painted(length), NULL); sd_bus_flush(bus)",
          ":embed, in a round trip: says that it can be seen.",
          answers: "IAdviseSink::OnViewChange"),
        .closeBus(answers: "CoUninitialize"),
        .closeXConnection("embed"),
        .init(
          "unlink(\"<bus>/services/<name>.service\"); unlink(order)",
          "The harness, after both have ended."),
      ],
      limits: [
        ":call carries 16 MiB at most here, :embed 64 KiB, the view's 256 × 86 pixels; :activate carries "
          + "nothing.",
        ":activate measures the start of a program, its libraries and its connection, and hardly the bus.",
        "A payload byte is copied six times over the bus; as a pixel eight times, and a third larger. The "
          + "CPU time of daemon, X server and started servers is in no figure here.",
        "An object is a path: it keeps nobody out, and the bus releases nothing for a client that dies. A "
          + "worker sees that end and ends; ipcbench-object-server waits for Release as long as the bus "
          + "lives.",
        "A server's death takes its view out of the container's window; what it had not saved is gone.",
        "A side that waits for an answer serves nothing: two calls at once wait for each other until the "
          + "stall limit.",
        "Pixels hold three bytes on a screen of depth 24, blue first; another X server than the private one "
          + "may have other pixels.",
      ],
      useWhen:
        "A part of a document, or a service, belongs to another program, which shall run only when somebody "
        + "needs it, and whose crash shall not be yours.",
      avoidWhen:
        "Both sides run anyway: dbus is the call without activation, a socket the call without a bus; and "
        + "contents that are only to be shown go faster through shared-memory than through a screen.")
  }
}
