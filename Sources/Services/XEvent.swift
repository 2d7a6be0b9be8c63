/// An event as it comes over the wire; offsets are those of the core protocol (X Window System Protocol,
/// appendix B) and of XFixes.
public enum XEvent: Sendable, Equatable {
  case propertyChanged(window: UInt32, atom: UInt32, time: UInt32, isDeleted: Bool)
  case selectionCleared(selection: UInt32, time: UInt32)
  case selectionRequested(XSelectionRequest)
  /// A property of 0 says that the owner refused.
  case selectionConverted(selection: UInt32, target: UInt32, property: UInt32, time: UInt32)
  /// XFixes: somebody, or nobody (0), owns a selection now.
  case selectionOwned(owner: UInt32, selection: UInt32, time: UInt32)
  case message(XMessage)
  case windowDestroyed(UInt32)
  case windowReparented(window: UInt32, parent: UInt32)
  case exposed(UInt32)
  /// A request failed; of interest is only what the other side's end explains.
  case failed(code: UInt8, resource: UInt32)
  case other(UInt8)

  /// - Parameter firstFixesEvent: the number that the server gave to XFixes' first event.
  init(_ bytes: UnsafeRawPointer, firstFixesEvent: UInt8) {
    func word(_ offset: Int) -> UInt32 { bytes.loadUnaligned(fromByteOffset: offset, as: UInt32.self) }
    func byte(_ offset: Int) -> UInt8 { bytes.load(fromByteOffset: offset, as: UInt8.self) }
    // The highest bit says that a client sent it.
    let type = byte(0) & 0x7F
    switch type {
    case 0: self = .failed(code: byte(1), resource: word(4))
    case 12: self = .exposed(word(4))
    case 17: self = .windowDestroyed(word(8))
    case 21: self = .windowReparented(window: word(8), parent: word(12))
    case 28: self = .propertyChanged(window: word(4), atom: word(8), time: word(12), isDeleted: byte(16) == 1)
    case 29: self = .selectionCleared(selection: word(12), time: word(4))
    case 30:
      self = .selectionRequested(
        XSelectionRequest(
          time: word(4), requestor: word(12), selection: word(16), target: word(20), property: word(24)))
    case 31:
      self = .selectionConverted(selection: word(12), target: word(16), property: word(20), time: word(4))
    case 33:
      self = .message(
        XMessage(
          window: word(4), type: word(8), format: byte(1),
          words: (word(12), word(16), word(20), word(24), word(28))))
    case firstFixesEvent: self = .selectionOwned(owner: word(8), selection: word(12), time: word(16))
    default: self = .other(type)
    }
  }
}

/// Somebody wants a selection in a format.
public struct XSelectionRequest: Sendable, Equatable {
  public var time: UInt32
  public var requestor: UInt32
  public var selection: UInt32
  public var target: UInt32
  public var property: UInt32
}

/// A ClientMessage with five words. The server says nothing of who sent it.
public struct XMessage: Sendable, Equatable {
  public var window: UInt32
  public var type: UInt32
  public var format: UInt8
  public var words: (UInt32, UInt32, UInt32, UInt32, UInt32)

  public init(
    window: UInt32, type: UInt32, format: UInt8 = 32, words: (UInt32, UInt32, UInt32, UInt32, UInt32)
  ) {
    self.window = window
    self.type = type
    self.format = format
    self.words = words
  }

  public static func == (left: XMessage, right: XMessage) -> Bool {
    left.window == right.window && left.type == right.type && left.format == right.format
      && left.words == right.words
  }
}

/// Atoms that every server has (X Window System Protocol, appendix A).
public enum XAtom {
  public static var atom: UInt32 { 4 }
  public static var cardinal: UInt32 { 6 }
  public static var integer: UInt32 { 19 }
  public static var string: UInt32 { 31 }
  public static var windowName: UInt32 { 39 }
}
