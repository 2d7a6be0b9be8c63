import ArgumentParser
import LinuxIPC

/// `HOST:PORT`, `:PORT` or `PORT`; without a host the loopback interface is meant.
struct HostAndPort: ExpressibleByArgument {
  var host: String
  var port: UInt16

  init?(argument: String) {
    let parts = argument.split(separator: ":", omittingEmptySubsequences: false)
    guard parts.count <= 2, let port = UInt16(parts[parts.count - 1]) else { return nil }
    self.port = port
    host = parts.count == 2 && !parts[0].isEmpty ? String(parts[0]) : "127.0.0.1"
  }

  func resolve() throws -> InternetAddress {
    guard let address = InternetAddress.resolve(host) else {
      throw Problem(.usage, "'\(host)' has no IPv4 address: give another host, or its address.")
    }
    return InternetAddress(address: address, port: port)
  }
}

/// The CPU of the one worker that a side by hand starts.
struct OwnPin: ExpressibleByArgument {
  private enum Request { case auto, none, cpu(Int) }
  private let request: Request

  init?(argument: String) {
    switch (argument, Int(argument)) {
    case ("auto", _): request = .auto
    case ("none", _): request = .none
    case (_, let cpu?): request = .cpu(cpu)
    default: return nil
    }
  }

  var defaultValueDescription: String { "auto" }

  /// Nil for none. `auto` is the CPU that a run on this machine would take for the same side.
  func cpu(_ topology: Topology, isProducer: Bool) throws -> Int? {
    switch request {
    case .none: return nil
    case .auto:
      let (producer, consumer) = topology.defaultPair()
      return isProducer ? producer.id : consumer.id
    case .cpu(let id):
      guard topology.cpu(id) != nil else {
        let known = topology.cpus.map { String($0.id) }.joined(separator: ", ")
        throw Problem(.usage, "There is no CPU \(id) that this process may use; there are \(known).")
      }
      return id
    }
  }
}
