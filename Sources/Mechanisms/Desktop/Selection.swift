import Glibc
import Services

/// Formats of a clipboard's contents, as atoms of one server.
public struct SelectionFormats: Sendable {
  /// The list of all formats (ICCCM 2.6.2).
  public let targets: UInt32
  /// When the contents were set.
  public let timestamp: UInt32
  /// Standard formats for text.
  public let text: [UInt32]
  /// A format of this suite's own: bytes as they are. RegisterClipboardFormat makes one in Win32.
  public let bytes: UInt32
  let increments: UInt32

  public init(_ x: XConnection) {
    targets = x.atom("TARGETS")
    timestamp = x.atom("TIMESTAMP")
    text = [x.atom("UTF8_STRING"), XAtom.string, x.atom("text/plain;charset=utf-8")]
    bytes = x.atom("application/x-ipcbench")
    increments = x.atom("INCR")
  }

  /// Larger contents go in pieces of this size (INCR, ICCCM 2.7.2); GTK's limit.
  static var pieceByteCount: Int { 256 << 10 }
}

/// The owner's side of a selection: answers whoever asks, in the format that is asked for, when it is asked for
/// (delayed rendering).
public struct SelectionOwner {
  public enum Outcome: Equatable {
    /// The event was no affair of the owner's, or there is more to do.
    case nothing
    /// Somebody has the contents in this format: the window.
    case served(UInt32, to: UInt32)
    /// What was asked for is not offered.
    case refused
    /// Somebody else owns the selection now.
    case lost
  }

  /// Contents that are on their way in pieces.
  private struct Transfer {
    var request: XSelectionRequest
    var bytes: UnsafeRawBufferPointer
    var sent: Int
  }

  private let x: XConnection
  private let window: UInt32
  private let selection: UInt32
  private let formats: SelectionFormats
  private var transfers: [Transfer] = []
  private var ownedSince: UInt32 = 0

  public init(_ x: XConnection, _ window: UInt32, _ selection: UInt32, _ formats: SelectionFormats) {
    self.x = x
    self.window = window
    self.selection = selection
    self.formats = formats
  }

  /// Takes the selection, from whoever has it.
  public mutating func own(time: UInt32) {
    ownedSince = time
    x.setOwner(window, of: selection, time: time)
    x.flush()
  }

  /// Leaves the selection without contents and owner (EmptyClipboard).
  public mutating func empty(time: UInt32) {
    x.setOwner(0, of: selection, time: time)
    x.flush()
  }

  /// - Parameters:
  ///   - offers: formats besides TARGETS and TIMESTAMP, asked only when somebody wants the list.
  ///   - render: the contents in a format, nil where it is not offered. They stay valid until they are served.
  public mutating func handle(
    _ event: XEvent, offers: () -> [UInt32], render: (UInt32) -> UnsafeRawBufferPointer?
  ) -> Outcome {
    switch event {
    case .selectionRequested(let request) where request.selection == selection:
      return answer(request, offers, render)
    case .propertyChanged(let window, let property, _, isDeleted: true) where !transfers.isEmpty:
      return sendNextPiece(window, property)
    case .windowDestroyed(let window):
      transfers.removeAll { $0.request.requestor == window }
      return .nothing
    case .selectionCleared(selection, _): return .lost
    default: return .nothing
    }
  }

  /// What is on its way in pieces will not be completed: the contents are no longer valid.
  public mutating func abandonTransfers() { transfers.removeAll() }

  private mutating func answer(
    _ request: XSelectionRequest, _ offers: () -> [UInt32], _ render: (UInt32) -> UnsafeRawBufferPointer?
  ) -> Outcome {
    var request = request
    // Clients from before 1987 (ICCCM 2.2) name no property.
    if request.property == 0 { request.property = request.target }
    defer { x.flush() }
    // Whoever means an earlier owner gets nothing (ICCCM 2.2); 0 means whoever owns it now.
    if request.time != 0, Int32(bitPattern: request.time &- ownedSince) < 0 {
      x.answer(request, property: 0)
      return .refused
    }
    switch request.target {
    case formats.targets:
      x.change(
        request.property, of: request.requestor, type: XAtom.atom,
        words: [formats.targets, formats.timestamp] + offers())
    case formats.timestamp:
      x.change(request.property, of: request.requestor, type: XAtom.integer, words: [ownedSince])
    default:
      guard let bytes = render(request.target) else {
        x.answer(request, property: 0)
        return .refused
      }
      if bytes.count > SelectionFormats.pieceByteCount {
        begin(Transfer(request: request, bytes: bytes, sent: 0))
        return .nothing
      }
      x.change(.replace, request.property, of: request.requestor, type: request.target, bytes)
    }
    x.answer(request, property: request.property)
    return .served(request.target, to: request.requestor)
  }

  /// Announces pieces; each is sent when the requestor has deleted the one before.
  private mutating func begin(_ transfer: Transfer) {
    let request = transfer.request
    transfers.append(transfer)
    x.watch(request.requestor, interest: XConnection.Interest.property | XConnection.Interest.structure)
    x.change(
      request.property, of: request.requestor, type: formats.increments,
      words: [UInt32(clamping: transfer.bytes.count)])
    x.answer(request, property: request.property)
  }

  private mutating func sendNextPiece(_ window: UInt32, _ property: UInt32) -> Outcome {
    guard
      let index = transfers.firstIndex(where: {
        $0.request.requestor == window && $0.request.property == property
      })
    else { return .nothing }
    let transfer = transfers[index]
    let end = min(transfer.sent + SelectionFormats.pieceByteCount, transfer.bytes.count)
    let piece = UnsafeRawBufferPointer(rebasing: transfer.bytes[transfer.sent..<end])
    x.change(.replace, property, of: window, type: transfer.request.target, piece)
    x.flush()
    transfers[index].sent = end
    // An empty piece is the end.
    guard piece.isEmpty else { return .nothing }
    transfers.remove(at: index)
    return .served(transfer.request.target, to: window)
  }
}

/// The reader's side of a selection: asks for the contents in a format and takes them, in pieces if need be.
public struct SelectionReader {
  public enum Outcome: Equatable {
    case nothing
    /// Everything has been taken.
    case complete
    /// Nobody owns the selection, or its owner does not offer the format.
    case refused
  }

  private let x: XConnection
  private let window: UInt32
  private let selection: UInt32
  private let property: UInt32
  private let increments: UInt32
  private var takesPieces = false

  /// - Parameter property: of the window, through which contents come.
  public init(
    _ x: XConnection, _ window: UInt32, _ selection: UInt32, property: UInt32, _ formats: SelectionFormats
  ) {
    self.x = x
    self.window = window
    self.selection = selection
    self.property = property
    increments = formats.increments
  }

  /// - Parameter time: when the owner was seen to have it; a later one is not meant.
  public mutating func ask(for format: UInt32, time: UInt32) {
    takesPieces = false
    x.convert(selection, to: format, property: property, of: window, time: time)
    x.flush()
  }

  /// - Parameter take: gets the contents, or one piece after the other; the bytes are valid only inside it.
  public mutating func handle(
    _ event: XEvent, _ take: (_ type: UInt32, UnsafeRawBufferPointer) -> Void
  ) -> Outcome {
    switch event {
    case .selectionConverted(selection, _, 0, _): return .refused
    case .selectionConverted(selection, _, property, _):
      return x.withProperty(property, of: window, delete: true) { type, bytes in
        if type != increments {
          take(type, bytes)
          return .complete
        }
        // To have deleted the announcement asks for the first piece.
        takesPieces = true
        return .nothing
      } ?? .nothing
    case .propertyChanged(window, property, _, isDeleted: false) where takesPieces:
      return x.withProperty(property, of: window, delete: true) { type, bytes in
        // What replaced it was read with it.
        if type == 0 { return .nothing }
        if bytes.isEmpty {
          takesPieces = false
          return .complete
        }
        take(type, bytes)
        return .nothing
      } ?? .nothing
    default: return .nothing
    }
  }
}
