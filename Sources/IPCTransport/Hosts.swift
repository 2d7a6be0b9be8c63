import CLinuxShims
import Glibc
import LinuxIPC

/// How far a channel reaches in a trial.
public enum ChannelScope: String, CaseIterable, Codable, Sendable {
  /// Both workers are on this host, and addresses are those of the loopback interface.
  case host
  /// Each worker is on a host of its own.
  case network
}

/// Where one side is.
public struct HostPlace: Sendable, Codable, Equatable {
  /// Its IPv4 address.
  public var address: String
  /// The file of the network namespace in which it runs; nil for that of the harness.
  public var namespace: String?

  public init(address: String, namespace: String? = nil) {
    self.address = address
    self.namespace = namespace
  }

  /// Worker, before it makes its first socket.
  ///
  /// The corresponding C function is `setns`.
  func enter() throws(TransportError) {
    guard let namespace else { return }
    try explaining("enter the network namespace \(namespace)") { () throws(SystemError) in
      try Namespaces.enter(network: namespace)
    }
  }
}

/// Where the two sides are.
public struct Hosts: Sendable, Codable, Equatable {
  public var scope: ChannelScope
  public var producer: HostPlace
  public var consumer: HostPlace
  /// Whether both sides see the same files and processes: not where they are on two machines. A channel then has nothing
  /// but an address, and the sides may exchange messages only once both have attached.
  public var shareFiles: Bool

  public init(scope: ChannelScope, producer: HostPlace, consumer: HostPlace, shareFiles: Bool = true) {
    self.shareFiles = shareFiles
    self.scope = scope
    self.producer = producer
    self.consumer = consumer
  }

  public static var loopback: Hosts {
    let here = HostPlace(address: "127.0.0.1")
    return Hosts(scope: .host, producer: here, consumer: here)
  }

  public func place(of role: Role) -> HostPlace { role == .producer ? producer : consumer }
  public func address(of role: Role) -> String { place(of: role).address }
  public func enter(as role: Role) throws(TransportError) { try place(of: role).enter() }
}
