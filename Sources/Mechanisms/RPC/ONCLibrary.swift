import IPCTransport
import LinuxIPC

/// How a call ended: `enum clnt_stat` of libtirpc, which has the faults of RFC 5531, section 9, and what goes wrong at
/// the caller's.
public enum ONCStatus: Int32, Sendable {
  case success = 0
  case cannotEncodeArguments, cannotDecodeResult, cannotSend, cannotReceive, timedOut
  /// Faults of the server's: another version of RPC, no permission, no such program, version or procedure, arguments
  /// that it cannot decode, and a failure of its own.
  case rpcVersionMismatch, authenticationError, programUnavailable, programVersionMismatch
  case procedureUnavailable, cannotDecodeArguments, systemError
  case unknownHost, portMapperFailure, notRegistered, failed, unknownProtocol
  case cannotConnect = 26

  public var exchangeError: ExchangeError {
    switch self {
    case .cannotSend, .cannotReceive: .peerClosed
    case .timedOut: .timedOut
    case .cannotEncodeArguments: .messageTooLarge
    case .rpcVersionMismatch, .authenticationError, .programUnavailable, .programVersionMismatch,
      .procedureUnavailable, .notRegistered:
      .refused
    default: .corrupted
    }
  }
}

/// The library of Sources/ONCRPC, whose header cannot be imported: that would link it.
public struct ONCLibrary: Sendable {
  typealias Bytes = UnsafeMutablePointer<UnsafeMutableRawPointer?>
  typealias Count = UnsafeMutablePointer<UInt32>
  typealias Text = UnsafePointer<CChar>

  private let serveFunction: @convention(c) (Text, Int32, UInt32) -> Int32
  private let connectFunction:
    @convention(c) (Text, Text, UInt32, UInt32, UInt32, UnsafeMutableRawPointer) -> Int32
  let awaitPeer: @convention(c) (UInt32) -> Int32
  @usableFromInline let call:
    @convention(c) (
      UnsafeRawPointer, UInt32, UnsafeMutablePointer<UnsafeMutableRawPointer?>, UnsafeMutablePointer<UInt32>
    ) -> Int32
  @usableFromInline let take:
    @convention(c) (Int32, UnsafeMutablePointer<UnsafeMutableRawPointer?>, UnsafeMutablePointer<UInt32>) ->
      Int32
  @usableFromInline let reply: @convention(c) (UnsafeRawPointer, UInt32) -> Int32
  @usableFromInline let free: @convention(c) (UnsafeMutableRawPointer?) -> Void
  let close: @convention(c) () -> Void
  private let statusText: @convention(c) (Int32) -> Text?

  static var fileName: String { "libipcbench-onc-rpc.so" }

  public static func load() throws(TransportError) -> ONCLibrary {
    if DynamicLibrary("libtirpc.so.3") == nil { throw .missing("libtirpc", package: "libtirpc3") }
    guard let library = DynamicLibrary(Program.companion(fileName)) else {
      throw TransportError(
        .unavailable,
        "The library \(fileName) cannot be loaded (\(DynamicLibrary.lastFault)): build it with 'swift build', beside "
          + "the program.")
    }
    guard library.variable("ipcb_onc_serve") != nil else {
      throw TransportError(
        .unavailable,
        "\(fileName) was built without ONC RPC: install the package libtirpc-dev, and build again after "
          + "'touch Sources/ONCRPC/onc_rpc.c'.")
    }
    return ONCLibrary(library)
  }

  private init(_ library: DynamicLibrary) {
    serveFunction = library.function(
      "ipcb_onc_serve", as: (@convention(c) (Text, Int32, UInt32) -> Int32).self)
    connectFunction = library.function(
      "ipcb_onc_connect",
      as: (@convention(c) (Text, Text, UInt32, UInt32, UInt32, UnsafeMutableRawPointer) -> Int32).self)
    awaitPeer = library.function("ipcb_onc_await_peer", as: (@convention(c) (UInt32) -> Int32).self)
    call = library.function(
      "ipcb_onc_call", as: (@convention(c) (UnsafeRawPointer, UInt32, Bytes, Count) -> Int32).self)
    take = library.function("ipcb_onc_take", as: (@convention(c) (Int32, Bytes, Count) -> Int32).self)
    reply = library.function(
      "ipcb_onc_reply", as: (@convention(c) (UnsafeRawPointer, UInt32) -> Int32).self)
    free = library.function("ipcb_onc_free", as: (@convention(c) (UnsafeMutableRawPointer?) -> Void).self)
    close = library.function("ipcb_onc_close", as: (@convention(c) () -> Void).self)
    statusText = library.function("ipcb_onc_status_text", as: (@convention(c) (Int32) -> Text?).self)
  }

  func serve(_ network: String, _ socket: Int32, _ program: UInt32) -> Int32 {
    serveFunction(network, socket, program)
  }

  /// - Throws: `status`, and the versions that the server has where it has not the one that was asked for.
  public func connect(
    _ network: String, _ host: String, _ program: UInt32, _ version: UInt32, milliseconds: UInt32
  ) throws(ONCFault) {
    var versions: (lowest: UInt32, highest: UInt32) = (0, 0)
    let status = connectFunction(network, host, program, version, milliseconds, &versions)
    guard status != 0 else { return }
    let known = ONCStatus(rawValue: status) ?? .failed
    let text = statusText(status).map { String(cString: $0) } ?? "error \(status)"
    throw ONCFault(
      status: known,
      text: known == .programVersionMismatch
        ? "it offers versions \(versions.lowest) to \(versions.highest), not \(version)" : text)
  }
}

/// Why a server cannot be called.
public struct ONCFault: Error {
  public var status: ONCStatus
  public var text: String
}
