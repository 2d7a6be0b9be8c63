/// The objects of a server that clients hold, and how often.
public struct ObjectTable: Sendable {
  /// Interface of the objects and of the server that makes them; `Create` is called on `serverPath`.
  public static var interface: StaticString { "org.ipcbench.Object1" }
  /// Of the container, which keeps an object's contents.
  public static var siteInterface: StaticString { "org.ipcbench.ClientSite1" }
  public static var serverPath: String { "/org/ipcbench/server" }
  public static var noSuchObject: String { "org.ipcbench.Object1.Error.NoSuchObject" }

  private var counts: [String: UInt32] = [:]
  private var made = 0

  public init() {}

  /// Objects that somebody holds.
  public var count: Int { counts.count }

  /// A new object, held once; returns its handle, an object's path.
  public mutating func create() -> String {
    made += 1
    let handle = "/org/ipcbench/object/\(made)"
    counts[handle] = 1
    return handle
  }

  /// Holds it once more; returns how often it is held now, nil where there is no such object.
  public mutating func retain(_ handle: String) -> UInt32? {
    guard let count = counts[handle] else { return nil }
    counts[handle] = count + 1
    return count + 1
  }

  /// Lets it go once; the object ends with the last time.
  public mutating func release(_ handle: String) -> UInt32? {
    guard let count = counts[handle] else { return nil }
    counts[handle] = count > 1 ? count - 1 : nil
    return count - 1
  }

  public func holds(_ handle: String) -> Bool { counts[handle] != nil }

  /// Serves what all objects have in common: Create, AddReference and Release. Returns whether it was one of them.
  public mutating func serve(_ call: borrowing BusMessage, _ bus: BusConnection) -> Bool {
    guard call.kind == .call else { return false }
    switch call.member {
    case "Create": reply(call, bus) { $0.append(path: create()) }
    case "AddReference": count(call, bus, retain(call.path))
    case "Release": count(call, bus, release(call.path))
    default: return false
    }
    return true
  }

  private func count(_ call: borrowing BusMessage, _ bus: BusConnection, _ count: UInt32?) {
    guard let count else { return bus.refuse(call, Self.noSuchObject, "There is no object \(call.path).") }
    reply(call, bus) { $0.append(number: count) }
  }

  private func reply(
    _ call: borrowing BusMessage, _ bus: BusConnection, _ fill: (borrowing BusMessage) -> Void
  ) {
    guard call.expectsReply, let reply = bus.newReply(to: call) else { return }
    fill(reply)
    bus.send(reply)
  }
}
