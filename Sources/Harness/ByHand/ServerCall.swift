import Glibc
import LinuxIPC
import Results

/// How a driver reaches its server, and what it says first.
public struct ServerCall: Sendable {
  /// Where a server is to be found.
  public enum Place: Sendable, Equatable {
    case path(String)
    case network(InternetAddress)
  }

  private let hello: DriverHello
  /// Asked before each connection: another server may have taken the place of the last one.
  private let place: @Sendable () throws(ControlError) -> Place
  /// Called when the server is with another driver.
  private let onWaiting: @Sendable () -> Void

  public init(
    _ hello: DriverHello, place: @escaping @Sendable () throws(ControlError) -> Place,
    onWaiting: @escaping @Sendable () -> Void
  ) {
    self.hello = hello
    self.place = place
    self.onWaiting = onWaiting
  }

  /// Waits for the server to be free, and greets it.
  public func connect() throws(ControlError) -> (connection: ControlConnection, served: Served) {
    let connection = try reach(try place())
    do throws(ControlError) {
      return (connection, try greet(connection))
    } catch {
      connection.close()
      throw error
    }
  }

  private func reach(_ place: Place) throws(ControlError) -> ControlConnection {
    do throws(SystemError) {
      let socket: Socket
      switch place {
      case .path: socket = try Socket.unix(.stream)
      case .network: socket = try Socket.tcp()
      }
      do throws(SystemError) {
        switch place {
        case .path(let path): try wait(at: path, socket)
        case .network(let address): try socket.connect(to: address, within: 5000)
        }
      } catch {
        socket.close()
        throw error
      }
      return ControlConnection(socket)
    } catch {
      throw .system(error)
    }
  }

  /// Where many wait already, the kernel lets nobody else in line for a moment.
  private func wait(at path: String, _ socket: Socket) throws(SystemError) {
    let deadline = Clock.monotonicNanoseconds() &+ UInt64(Self.queueMilliseconds) &* 1_000_000
    try socket.descriptor.setNonBlocking(true)
    while true {
      do throws(SystemError) {
        try socket.connect(path: path)
        return try socket.descriptor.setNonBlocking(false)
      } catch {
        let isFull = error.errno == .resourceTemporarilyUnavailable
        guard isFull, !StopSignal.isRequested, Clock.monotonicNanoseconds() < deadline else { throw error }
        usleep(20_000)
      }
    }
  }

  /// As long as drivers may take that came before.
  private static var queueMilliseconds: Int32 { 3_600_000 }

  private func greet(_ connection: ControlConnection) throws(ControlError) -> Served {
    try connection.say(hello)
    if !connection.hasWord(within: 1000) { onWaiting() }
    let bytes = try connection.hearBytes(milliseconds: Self.queueMilliseconds)
    struct Opening: Codable { var greeting: Greeting }
    let opening = try ControlConnection.decode(Opening.self, bytes)
    if let reason = hello.greeting.whyNot(opening.greeting, "The server") { throw .refused(reason) }
    let answer = try ControlConnection.decode(ServerHello.self, bytes)
    if let refusal = answer.refusal { throw .refused(bounded(refusal)) }
    guard var served = answer.served else { throw .nonsense("neither yes nor no") }
    guard served.mechanism == hello.mechanism, hello.variants.contains(served.variant),
      hello.wait.map({ $0 == served.wait }) ?? true
    else { throw .nonsense("that it serves something else than it was asked for") }
    served.machine = served.machine.bounded
    return served
  }
}

/// The server's answer to a driver's first words.
public struct Reception: Sendable {
  private let greeting: Greeting
  public let served: Served
  private let name: String?

  /// - Parameter name: under which drivers find it, nil where they are told an address.
  public init(_ greeting: Greeting, _ served: Served, name: String?) {
    self.greeting = greeting
    self.served = served
    self.name = name
  }

  /// Hears a driver and answers it.
  ///
  /// - Throws: `refused`, with what the driver was told.
  public func receive(_ connection: ControlConnection) throws(ControlError) -> DriverHello {
    let bytes = try connection.hearBytes(milliseconds: ControlConnection.promptMilliseconds)
    struct Opening: Codable { var greeting: Greeting }
    let opening = try ControlConnection.decode(Opening.self, bytes)
    guard opening.greeting.magic == Greeting.currentMagic else { throw .nonsense("nothing of ipcbench's") }
    if let reason = greeting.whyNot(opening.greeting, "The driver") {
      try refuse(connection, reason)
    }
    let hello = try ControlConnection.decode(DriverHello.self, bytes)
    if let reason = whyNot(hello) { try refuse(connection, reason) }
    try connection.say(ServerHello(greeting, served: served))
    return hello
  }

  private func refuse(_ connection: ControlConnection, _ reason: String) throws(ControlError) {
    try connection.say(ServerHello(greeting, refusal: reason))
    throw .refused(reason)
  }

  private func whyNot(_ hello: DriverHello) -> String? {
    if let name, let other = hello.name, name != other {
      return
        "'\(name)' is served here, not '\(bounded(other, 64))': give the NAME that is served, or another address."
    }
    guard hello.mechanism == served.mechanism, hello.variants.contains(served.variant) else {
      let asked = bounded(
        hello.variants.count == 1 && !hello.variants[0].isEmpty
          ? "\(hello.mechanism):\(hello.variants[0])" : hello.mechanism, 80)
      return "This server serves \(served.id), not \(asked): give the mechanism that is served."
    }
    if let wait = hello.wait, wait != served.wait {
      return
        "\(served.id) is served with --wait \(served.wait.rawValue), not \(wait.rawValue): both sides must wait "
        + "alike."
    }
    return nil
  }
}
