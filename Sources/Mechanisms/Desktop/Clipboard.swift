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
/// drops the last requests of a client that dies. Only blocking: a side that spins would take the CPU from the server
/// that both wait for.
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
    try side.meet(name, role, interest: XConnection.Interest.property)
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
        owner.abandonTransfers()
        return byteCount
      }
      switch handle(event, contents) {
      case .served(formats.bytes, to: side.peer): isPasted = true
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

extension Clipboard {
  static var explanation: Explanation {
    Explanation(
      "Copy and paste as on every X desktop: who copies becomes the owner of the selection CLIPBOARD and "
        + "hands over nothing; who pastes asks the owner, through the server, for the contents in a format, "
        + "and gets them in a property of its own window. Rendering is always delayed, and nobody opens or "
        + "closes the clipboard. Formats are atoms: standard ones for text, and names that a program makes "
        + "up. Here the producer copies, the consumer hears of it through XFixes and pastes, and the message "
        + "has been sent when the consumer has deleted the property in which it came. The server is a "
        + "private Xvfb; xclip, or whatever else has its cookie, can paste what is on offer.",
      producer: [
        .startXServer(),
        .connectToXServer(),
        .createHiddenWindow(),
        .askForTime(),
        .init(
          "xcb_intern_atom(c, 0, \"application/x-ipcbench\")",
          "The format: bytes as they are. CLIPBOARD, TARGETS, UTF8_STRING and the other names likewise.",
          answers: "RegisterClipboardFormat"),
        .init(
          "xcb_xfixes_select_selection_input(c, root, CLIPBOARD, 7)",
          "Wants to be told of every new owner, and of an owner's end.",
          answers: "AddClipboardFormatListener"),
        .init(
          "xcb_set_selection_owner(c, window, _IPCBENCH_<channel>_producer, time)",
          "Shows the other side where this window is, as window managers do (ICCCM 4.3)."),
        .init(
          "xcb_get_selection_owner(c, _IPCBENCH_<channel>_consumer)",
          "Looks for the consumer's window, every 0.5 ms for 5 s at most."),
        .watchWindow(),
        .init(
          "xcb_set_selection_owner(c, window, CLIPBOARD, time)",
          "Sends: takes the clipboard from whoever has it, and offers the message.",
          answers: "OpenClipboard, EmptyClipboard, SetClipboardData(format, NULL), CloseClipboard"),
        .init(
          "poll(fd, POLLIN, 20 ms); xcb_poll_for_event(c)",
          "Sleeps until a SelectionRequest says who wants the contents, in which format and in which "
            + "property.",
          answers: "WM_RENDERFORMAT"),
        .init(
          "xcb_change_property(REPLACE, requestor, property, format, contents)",
          "Up to 256 KiB: renders the contents, into the requestor's window.",
          answers: "SetClipboardData(format, contents)"),
        .init(
          "xcb_change_property(REPLACE, requestor, property, INCR, size)",
          "More than 256 KiB (INCR, ICCCM 2.7.2): announces the size; sets the next piece of 256 KiB "
            + "whenever the requestor has deleted the one before, and an empty one at last."),
        .init(
          "xcb_send_event(requestor, SelectionNotify)",
          "Follows the property, or the announcement; names no property where the format is not offered."),
        .init(
          "xcb_poll_for_event(c): PropertyNotify, deleted",
          "The consumer has read the message to its end: it has been sent."),
        .init(
          "xcb_poll_for_event(c): SelectionClear",
          "Only when somebody else copies before that: the send fails.",
          answers: "WM_DESTROYCLIPBOARD"),
        .init(
          "xcb_change_property(REPLACE, requestor, property, ATOM, formats)",
          "Only when somebody asks for TARGETS, as xclip -t TARGETS -o does; TIMESTAMP likewise.",
          answers: "EnumClipboardFormats, IsClipboardFormatAvailable"),
        .init(
          "xcb_convert_selection(c, window, CLIPBOARD, format, _IPCBENCH_PASTE, time)",
          "In a round trip: pastes the echo, with the consumer's calls.",
          answers: "GetClipboardData"),
        .closeXConnection(),
        .stopXServer(),
      ],
      consumer: [
        .connectToXServer(),
        .createHiddenWindow(),
        .askForTime(),
        .init(
          "xcb_intern_atom(c, 0, \"application/x-ipcbench\")",
          "Gets the same number as the other side: atoms are the server's.",
          answers: "RegisterClipboardFormat"),
        .init(
          "xcb_xfixes_select_selection_input(c, root, CLIPBOARD, 7)",
          "Wants to be told of every new owner, and of an owner's end.",
          answers: "AddClipboardFormatListener"),
        .init(
          "xcb_set_selection_owner(c, window, _IPCBENCH_<channel>_consumer, time)",
          "Shows the other side where this window is."),
        .init(
          "xcb_get_selection_owner(c, _IPCBENCH_<channel>_producer)",
          "Looks for the producer's window, every 0.5 ms for 5 s at most."),
        .watchWindow(),
        .init(
          "poll(fd, POLLIN, 20 ms); xcb_poll_for_event(c)",
          "Sleeps until XFixes says that the producer owns the clipboard.",
          answers: "WM_CLIPBOARDUPDATE"),
        .init(
          "xcb_convert_selection(c, window, CLIPBOARD, format, _IPCBENCH_PASTE, time)",
          "Asks the owner for the contents in the format that both know; the list of formats is not asked "
            + "for.",
          answers: "GetClipboardData"),
        .init(
          "poll(fd, POLLIN, 20 ms); xcb_poll_for_event(c)",
          "Sleeps until a SelectionNotify says that they are there, or refused."),
        .init(
          "xcb_get_property(c, 1, window, _IPCBENCH_PASTE, ANY, 0, ~0u >> 2)",
          "Receives: reads the property and deletes it with one request. INCR: again at each "
            + "PropertyNotify, until a piece is empty.",
          answers: "GetClipboardData"),
        .init(
          "xcb_set_selection_owner(c, window, CLIPBOARD, time)",
          "In a round trip: copies the echo, with the producer's calls.",
          answers: "OpenClipboard, EmptyClipboard, SetClipboardData(format, NULL), CloseClipboard"),
        .closeXConnection(),
      ],
      limits: [
        "A message has at most 16 MiB here; INCR itself has no limit, and costs a turn of both sides and "
          + "the server for every 256 KiB.",
        "One owner, one set of contents, no queue: the next copy replaces what nobody has pasted, and each "
          + "send waits for the paste.",
        "Contents live in the owner's process and end with it, unless a clipboard manager has fetched them.",
        "Every client of the server may read the clipboard or take it; who loses it is told so, but not to "
          + "whom.",
        "The server ignores a copy that carries an older time than the last one, without an error (ICCCM "
          + "2.1).",
        "The owner here serves TARGETS, TIMESTAMP, three formats of text and its own, but not MULTIPLE "
          + "(ICCCM 2.6.2), and refuses everybody while it has nothing on offer.",
        "Each payload byte is copied six times, three of them by the server, whose CPU time is in no figure "
          + "here.",
      ],
      useWhen:
        "A person carries something from one program to another, or a program offers one thing in several "
        + "formats to programs that it does not know.",
      avoidWhen:
        "Two programs talk to each other: they would overwrite what the user has copied, before the eyes of "
        + "all clients, for a transfer that a socket does with a third of the copies and no server between.")
  }
}
