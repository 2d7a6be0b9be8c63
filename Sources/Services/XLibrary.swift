import LinuxIPC

/// The functions of libxcb and libxcb-xfixes that are used here, as xcb/xproto.h declares them; loaded where the
/// libraries are installed. Cookies, which are a structure of one word, are words here.
struct XLibrary: Sendable {
  typealias Connection = OpaquePointer
  typealias Bytes = UnsafeMutableRawPointer
  typealias Reply = @convention(c) (Connection, UInt32, UnsafeMutablePointer<Bytes?>?) -> Bytes?

  let connect: @convention(c) (UnsafePointer<CChar>?, UnsafeMutablePointer<Int32>?) -> Connection?
  let connectWithCookie:
    @convention(c) (UnsafePointer<CChar>, UnsafeRawPointer, UnsafeMutablePointer<Int32>?) -> Connection?
  let hasError: @convention(c) (Connection) -> Int32
  let disconnect: @convention(c) (Connection) -> Void
  let setup: @convention(c) (Connection) -> UnsafeRawPointer?
  let generateID: @convention(c) (Connection) -> UInt32
  let flush: @convention(c) (Connection) -> Int32
  let descriptor: @convention(c) (Connection) -> Int32
  let pollForEvent: @convention(c) (Connection) -> Bytes?
  let maximumRequestLength: @convention(c) (Connection) -> UInt32

  let createWindow:
    @convention(c) (
      Connection, UInt8, UInt32, UInt32, Int16, Int16, UInt16, UInt16, UInt16, UInt16, UInt32, UInt32,
      UnsafeRawPointer?
    ) -> UInt32
  let destroyWindow: @convention(c) (Connection, UInt32) -> UInt32
  let mapWindow: @convention(c) (Connection, UInt32) -> UInt32
  let reparentWindow: @convention(c) (Connection, UInt32, UInt32, Int16, Int16) -> UInt32
  let changeAttributes: @convention(c) (Connection, UInt32, UInt32, UnsafeRawPointer?) -> UInt32
  let queryTree: @convention(c) (Connection, UInt32) -> UInt32
  let queryTreeReply: Reply

  let internAtom: @convention(c) (Connection, UInt8, UInt16, UnsafePointer<CChar>) -> UInt32
  let internAtomReply: Reply
  let setSelectionOwner: @convention(c) (Connection, UInt32, UInt32, UInt32) -> UInt32
  let selectionOwner: @convention(c) (Connection, UInt32) -> UInt32
  let selectionOwnerReply: Reply
  let convertSelection: @convention(c) (Connection, UInt32, UInt32, UInt32, UInt32, UInt32) -> UInt32
  let sendEvent: @convention(c) (Connection, UInt8, UInt32, UInt32, UnsafeRawPointer) -> UInt32
  let changeProperty:
    @convention(c) (Connection, UInt8, UInt32, UInt32, UInt32, UInt8, UInt32, UnsafeRawPointer?) -> UInt32
  let deleteProperty: @convention(c) (Connection, UInt32, UInt32) -> UInt32
  let property: @convention(c) (Connection, UInt8, UInt32, UInt32, UInt32, UInt32, UInt32) -> UInt32
  let propertyReply: Reply

  let createContext: @convention(c) (Connection, UInt32, UInt32, UInt32, UnsafeRawPointer?) -> UInt32
  let putImage:
    @convention(c) (
      Connection, UInt8, UInt32, UInt32, UInt16, UInt16, Int16, Int16, UInt8, UInt8, UInt32, UnsafeRawPointer
    ) -> UInt32
  let image: @convention(c) (Connection, UInt8, UInt32, Int16, Int16, UInt16, UInt16, UInt32) -> UInt32
  let imageReply: Reply
  let inputFocus: @convention(c) (Connection) -> UInt32
  let inputFocusReply: Reply

  let extensionData: @convention(c) (Connection, UnsafeRawPointer) -> UnsafeRawPointer?
  let fixesID: UnsafeRawPointerBox
  let fixesVersion: @convention(c) (Connection, UInt32, UInt32) -> UInt32
  let fixesVersionReply: Reply
  let fixesSelectInput: @convention(c) (Connection, UInt32, UInt32, UInt32) -> UInt32

  /// An address in a library, which stays loaded.
  struct UnsafeRawPointerBox: @unchecked Sendable { let address: UnsafeRawPointer }

  static var names: [(file: String, package: String)] {
    [("libxcb.so.1", "libxcb1"), ("libxcb-xfixes.so.0", "libxcb-xfixes0")]
  }

  /// Nil where one of the libraries is not installed.
  static let shared = XLibrary()

  private init?() {
    guard let core = DynamicLibrary(Self.names[0].file), let fixes = DynamicLibrary(Self.names[1].file) else {
      return nil
    }
    func load<Function>(_ name: String) -> Function { core.function("xcb_" + name, as: Function.self) }
    func loadFixes<Function>(_ name: String) -> Function {
      fixes.function("xcb_xfixes_" + name, as: Function.self)
    }
    connect = load("connect")
    connectWithCookie = load("connect_to_display_with_auth_info")
    hasError = load("connection_has_error")
    disconnect = load("disconnect")
    setup = load("get_setup")
    generateID = load("generate_id")
    flush = load("flush")
    descriptor = load("get_file_descriptor")
    pollForEvent = load("poll_for_event")
    maximumRequestLength = load("get_maximum_request_length")
    createWindow = load("create_window")
    destroyWindow = load("destroy_window")
    mapWindow = load("map_window")
    reparentWindow = load("reparent_window")
    changeAttributes = load("change_window_attributes")
    queryTree = load("query_tree")
    queryTreeReply = load("query_tree_reply")
    internAtom = load("intern_atom")
    internAtomReply = load("intern_atom_reply")
    setSelectionOwner = load("set_selection_owner")
    selectionOwner = load("get_selection_owner")
    selectionOwnerReply = load("get_selection_owner_reply")
    convertSelection = load("convert_selection")
    sendEvent = load("send_event")
    changeProperty = load("change_property")
    deleteProperty = load("delete_property")
    property = load("get_property")
    propertyReply = load("get_property_reply")
    createContext = load("create_gc")
    putImage = load("put_image")
    image = load("get_image")
    imageReply = load("get_image_reply")
    inputFocus = load("get_input_focus")
    inputFocusReply = load("get_input_focus_reply")
    extensionData = load("get_extension_data")
    guard let id = fixes.variable("xcb_xfixes_id") else { return nil }
    fixesID = UnsafeRawPointerBox(address: id)
    fixesVersion = loadFixes("query_version")
    fixesVersionReply = loadFixes("query_version_reply")
    fixesSelectInput = loadFixes("select_selection_input")
  }
}
