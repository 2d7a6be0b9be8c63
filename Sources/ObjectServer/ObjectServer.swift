import Services

/// Objects with contents that a container keeps in its document: loaded, edited, and given back when the object is
/// closed (IPersistStorage, IOleClientSite::SaveObject).
struct ObjectServer {
  private let bus: BusConnection
  private var table = ObjectTable()
  /// Of objects that hold some.
  private var contents: [String: [UInt8]] = [:]
  /// Who gets them back.
  private var holders: [String: String] = [:]
  private var hasServed = false

  /// Somebody who had it started asks for an object soon.
  private static var patienceMilliseconds: Int32 { 5000 }

  init(_ bus: BusConnection) { self.bus = bus }

  /// Until nobody holds an object any more: because it was let go, or because its holder has left the bus.
  mutating func serve() {
    while !(hasServed && table.count == 0) {
      // While somebody holds an object, it may take its time.
      guard let message = bus.awaitNext(milliseconds: Self.patienceMilliseconds) else {
        if bus.isLost || table.count == 0 { return }
        continue
      }
      if message.kind == .call {
        answer(message)
      } else if message.isSignal("NameOwnerChanged"), let name = message.readText() {
        message.skipText()
        if message.readText() == "" { table.forget(name) }
      }
    }
  }

  private mutating func answer(_ call: borrowing BusMessage) {
    let handle = call.path
    if table.serve(call, bus) {
      hasServed = hasServed || table.count > 0
      return
    }
    guard table.holds(handle) else {
      return bus.refuse(call, ObjectTable.noSuchObject, "There is no object \(handle).")
    }
    switch call.member {
    case "Call":
      let bytes = call.readBytes().map { Array($0) } ?? []
      bus.reply(to: call) { $0.append(bytes: bytes) }
    case "Load":
      contents[handle] = call.readBytes().map { Array($0) } ?? []
      holders[handle] = call.sender
      bus.reply(to: call)
    case "Append":
      contents[handle, default: []] += call.readBytes().map { Array($0) } ?? []
      bus.reply(to: call)
    case "Close":
      bus.reply(to: call)
      giveBack(handle)
    default: bus.refuse(call, "org.ipcbench.Object1.Error.NoSuchMethod", "There is no method \(call.member).")
    }
  }

  /// The contents go to the container's document before the object ends.
  private mutating func giveBack(_ handle: String) {
    if let bytes = contents.removeValue(forKey: handle), let holder = holders.removeValue(forKey: handle) {
      _ = try? bus.call(holder, handle, ObjectTable.siteInterface, "SaveObject", seconds: 5) {
        $0.append(bytes: bytes)
      }
    }
    table.end(handle)
  }
}
