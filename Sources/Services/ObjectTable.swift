/// The objects of a server, by whom they are held, and how often.
public struct ObjectTable: Sendable {
  /// Interface of the objects and of the server that makes them; `Create` is called on `serverPath`.
  public static var interface: StaticString { "org.ipcbench.Object1" }
  /// Of the container, which keeps an object's contents.
  public static var siteInterface: StaticString { "org.ipcbench.ClientSite1" }
  public static var serverPath: String { "/org/ipcbench/server" }
  public static var noSuchObject: String { "org.ipcbench.Object1.Error.NoSuchObject" }

  /// For each object the clients that hold it, by their unique names on the bus.
  private var holders: [String: [String: UInt32]] = [:]
  private var made = 0

  public init() {}

  /// Objects that somebody holds.
  public var count: Int { holders.count }

  public func holds(_ handle: String) -> Bool { holders[handle] != nil }

  /// A new object, held once; returns its handle, an object's path.
  public mutating func create(for client: String) -> String {
    made += 1
    let handle = "/org/ipcbench/object/\(made)"
    holders[handle] = [client: 1]
    return handle
  }

  /// Holds it once more; returns how often it is held now, nil where there is no such object.
  public mutating func retain(_ handle: String, for client: String) -> UInt32? {
    guard holders[handle] != nil else { return nil }
    holders[handle]![client, default: 0] += 1
    return references(to: handle)
  }

  /// Lets it go once; the object ends with the last time. Nil where the client does not hold it.
  public mutating func release(_ handle: String, for client: String) -> UInt32? {
    guard let count = holders[handle]?[client] else { return nil }
    holders[handle]![client] = count > 1 ? count - 1 : nil
    defer { if holders[handle]?.isEmpty == true { holders[handle] = nil } }
    return references(to: handle)
  }

  private func references(to handle: String) -> UInt32 { holders[handle]?.values.reduce(0, +) ?? 0 }

  /// A client has left the bus: what it held is let go.
  public mutating func forget(_ client: String) {
    for handle in holders.keys {
      holders[handle]?[client] = nil
      if holders[handle]?.isEmpty == true { holders[handle] = nil }
    }
  }

  /// The object ends, whoever holds it.
  public mutating func end(_ handle: String) { holders[handle] = nil }

  /// Serves what all objects have in common: Create, AddReference and Release. Returns whether it was one of them.
  public mutating func serve(_ call: borrowing BusMessage, _ bus: BusConnection) -> Bool {
    guard call.kind == .call else { return false }
    let client = call.sender
    switch call.member {
    case "Create":
      let handle = create(for: client)
      bus.reply(to: call) { $0.append(path: handle) }
    case "AddReference": answer(call, bus, retain(call.path, for: client))
    case "Release": answer(call, bus, release(call.path, for: client))
    default: return false
    }
    return true
  }

  private func answer(_ call: borrowing BusMessage, _ bus: BusConnection, _ count: UInt32?) {
    guard let count else { return bus.refuse(call, Self.noSuchObject, "There is no object \(call.path).") }
    bus.reply(to: call) { $0.append(number: count) }
  }
}
