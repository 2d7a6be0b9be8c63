import LinuxIPC

/// The functions of libsystemd's sd-bus that are used here, as systemd/sd-bus.h declares them; loaded where the library is
/// installed. Those with a variable number of arguments do not import into Swift and are not needed.
struct BusLibrary: Sendable {
  typealias Bus = OpaquePointer
  typealias Message = OpaquePointer
  typealias Text = UnsafePointer<CChar>
  typealias Result<Value> = UnsafeMutablePointer<Value>

  let new: @convention(c) (Result<Bus?>) -> Int32
  let setAddress: @convention(c) (Bus, Text) -> Int32
  let setBusClient: @convention(c) (Bus, Int32) -> Int32
  let start: @convention(c) (Bus) -> Int32
  let flush: @convention(c) (Bus) -> Int32
  let closeAndForget: @convention(c) (Bus) -> Bus?
  let isOpen: @convention(c) (Bus) -> Int32
  let descriptor: @convention(c) (Bus) -> Int32
  let process: @convention(c) (Bus, Result<Message?>) -> Int32
  let requestName: @convention(c) (Bus, Text, UInt64) -> Int32
  let uniqueName: @convention(c) (Bus, Result<Text?>) -> Int32
  let send: @convention(c) (Bus, Message, Result<UInt64>?) -> Int32
  let call: @convention(c) (Bus, Message, UInt64, UnsafeMutableRawPointer, Result<Message?>) -> Int32

  let newCall: @convention(c) (Bus, Result<Message?>, Text?, Text, Text, Text) -> Int32
  let newSignal: @convention(c) (Bus, Result<Message?>, Text, Text, Text) -> Int32
  let newReturn: @convention(c) (Message, Result<Message?>) -> Int32
  let newError: @convention(c) (Message, Result<Message?>, UnsafeRawPointer) -> Int32
  let appendBasic: @convention(c) (Message, CChar, UnsafeRawPointer) -> Int32
  let appendArray: @convention(c) (Message, CChar, UnsafeRawPointer?, Int) -> Int32
  let readBasic: @convention(c) (Message, CChar, UnsafeMutableRawPointer) -> Int32
  let readArray: @convention(c) (Message, CChar, Result<UnsafeRawPointer?>, Result<Int>) -> Int32
  let setDestination: @convention(c) (Message, Text) -> Int32
  let rewind: @convention(c) (Message, Int32) -> Int32
  let release: @convention(c) (Message) -> Message?
  let type: @convention(c) (Message, Result<UInt8>) -> Int32
  let member: @convention(c) (Message) -> Text?
  let interface: @convention(c) (Message) -> Text?
  let path: @convention(c) (Message) -> Text?
  let sender: @convention(c) (Message) -> Text?
  let replyCookie: @convention(c) (Message, Result<UInt64>) -> Int32
  let setExpectReply: @convention(c) (Message, Int32) -> Int32
  let expectsReply: @convention(c) (Message) -> Int32
  let error: @convention(c) (Message) -> UnsafeRawPointer?
  let freeError: @convention(c) (UnsafeMutableRawPointer) -> Void

  static var file: String { "libsystemd.so.0" }
  static var package: String { "libsystemd0" }

  /// Nil where it is not installed.
  static let shared = BusLibrary()

  private init?() {
    guard let library = DynamicLibrary(Self.file) else { return nil }
    func load<Function>(_ name: String) -> Function { library.function("sd_bus_" + name, as: Function.self) }
    func message<Function>(_ name: String) -> Function { load("message_" + name) }
    new = load("new")
    setAddress = load("set_address")
    setBusClient = load("set_bus_client")
    start = load("start")
    flush = load("flush")
    closeAndForget = load("flush_close_unref")
    isOpen = load("is_open")
    descriptor = load("get_fd")
    process = load("process")
    requestName = load("request_name")
    uniqueName = load("get_unique_name")
    send = load("send")
    call = load("call")
    newCall = message("new_method_call")
    newSignal = message("new_signal")
    newReturn = message("new_method_return")
    newError = message("new_method_error")
    appendBasic = message("append_basic")
    appendArray = message("append_array")
    readBasic = message("read_basic")
    readArray = message("read_array")
    setDestination = message("set_destination")
    rewind = message("rewind")
    release = message("unref")
    type = message("get_type")
    member = message("get_member")
    interface = message("get_interface")
    path = message("get_path")
    sender = message("get_sender")
    replyCookie = message("get_reply_cookie")
    setExpectReply = message("set_expect_reply")
    expectsReply = message("get_expect_reply")
    error = message("get_error")
    freeError = load("error_free")
  }
}
