import Glibc
import IPCTransport
import LinuxIPC
import Services

/// The CLIPBOARD selection of an X server: who copies owns it, who pastes asks the owner.
public enum Clipboard: ChannelProvider {
  public static var mechanism: Mechanism {
    Mechanism(
      id: "clipboard", summary: "copy and paste: the CLIPBOARD selection of an X server",
      counterpart: "clipboard",
      traits: Traits(
        framing: .message, direction: .twoWay, reach: .host, attach: [.name], payloadCopies: 6,
        maximumMessageByteCount: 16 << 20),
      explanation: explanation, manPages: ["Xserver(1)", "Xvfb(1)", "xclip(1)"])
  }

  public static func probe(_ spec: ChannelSpec) throws(TransportError) { try XMeeting.probe() }
  public static func open(_ spec: ChannelSpec) throws(TransportError) -> String { try XMeeting.address(spec) }
  public static func close(_ address: String) {}

  public static func attach(
    _ address: String, as role: Role, _ spec: ChannelSpec
  ) throws(TransportError) -> String { address }
}

/// A message is copied by becoming the selection's owner, and has been sent when the peer, which hears of the copy
/// through XFixes, has pasted it and deleted the property in which it came. Not when it was handed to the server: that
/// drops the last requests of a client that dies. Only blocking: a side that spins would take the CPU from the server that both wait for.
public struct ClipboardPort<Wait: WaitStrategy>: MessagePort, ~Copyable {
  private var side: XSide
  private var owner: SelectionOwner
  private var reader: SelectionReader
  private let selection: UInt32
  private let formats: SelectionFormats
  /// Through which contents come, on either side's window.
  private let property: UInt32
  private var isOffered = false
  private var isPasted = false
  private var received = 0
  public var input: Int32 { side.x.descriptor }
  public var output: Int32 { side.x.descriptor }
  public static var outputEvent: Int16 { Int16(POLLIN) }

  public init(_ address: String, as role: Role, _ spec: ChannelSpec) throws(TransportError) {
    let (name, server) = try XMeeting.find(address)
    var side = try XSide(server)
    let (selection, formats) = (side.x.atom("CLIPBOARD"), SelectionFormats(side.x))
    side.x.watchOwners(of: selection)
    try side.meet(name, role)
    (self.side, self.selection, self.formats) = (side, selection, formats)
    property = side.x.atom("_IPCBENCH_PASTE")
    owner = SelectionOwner(side.x, side.window, selection, formats)
    reader = SelectionReader(side.x, side.window, selection, property: property, formats)
  }

  @inline(never)
  public mutating func put(_ message: UnsafeRawPointer, _ byteCount: Int) -> Int {
    if !isOffered {
      (isOffered, isPasted) = (true, false)
      owner.own(time: side.time)
    }
    let contents = UnsafeRawBufferPointer(start: message, count: byteCount)
    while let event = side.next() {
      if isPasted, case .propertyChanged(side.peer, property, _, isDeleted: true) = event {
        isOffered = false
        return byteCount
      }
      switch handle(event, contents) {
      case .served(formats.bytes): isPasted = true
      case .lost:
        isOffered = false
        return RawDescriptor.fail(ECANCELED)
      default: break
      }
    }
    return side.nothing()
  }

  @inline(never)
  public mutating func take(_ buffer: UnsafeMutableRawPointer, _ capacity: Int) -> Int {
    while let event = side.next() {
      if case .selectionOwned(side.peer, selection, let time) = event {
        received = 0
        reader.ask(for: formats.bytes, time: time)
        continue
      }
      let outcome = reader.handle(event) { _, bytes in
        let room = min(bytes.count, capacity - min(received, capacity))
        if room > 0 { memcpy(buffer + received, bytes.baseAddress!, room) }
        received += bytes.count
      }
      switch outcome {
      case .complete: return received
      // The owner may have ended between the copy and the paste: then the server says so next.
      case .refused where side.x.owner(of: selection) != 0: return RawDescriptor.fail(ENODATA)
      default: _ = handle(event, nil)
      }
    }
    return side.nothing()
  }

  /// - Parameter contents: nil where what was offered has been taken, so that there is nothing any more.
  private mutating func handle(_ event: XEvent, _ contents: UnsafeRawBufferPointer?) -> SelectionOwner.Outcome
  {
    owner.handle(event) {
      formats.text + [formats.bytes]
    } render: { format in
      format == formats.bytes || formats.text.contains(format) ? contents : nil
    }
  }

  public mutating func close() { side.close() }
}
