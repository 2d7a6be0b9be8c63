import Glibc
import IPCTransport
import LinuxIPC
import NetBIOS
import Services

/// NetBIOS over TCP (RFC 1001, RFC 1002): names instead of addresses, and the session and the datagram service between
/// them. Always between two hosts of the run's own, as ports 137 to 139 are fixed; a third one has the name server.
enum NetBIOSMechanism {
  static var mechanism: Mechanism {
    Mechanism(
      id: "netbios", summary: "NetBIOS over TCP/IP, between two network namespaces", counterpart: "NetBIOS",
      variants: [
        .init(
          "session", "the session service (TCP port 139), names by nmbd",
          traits: traits(.message, .reliable, SessionPacket.largestMessage), explanation: sessionExplanation),
        .init(
          "datagram", "the datagram service (UDP port 138), names by nmbd",
          traits: traits(.message, .mayDrop, DatagramPacket.largestData), explanation: datagramExplanation),
      ],
      traits: traits(.message, .reliable, SessionPacket.largestMessage), explanation: explanation,
      manPages: ["nmbd(8)", "nmblookup(1)", "tcp(7)", "udp(7)"])
  }

  private static func traits(
    _ framing: Traits.Framing, _ delivery: Traits.Delivery, _ maximum: Int
  ) -> Traits {
    var traits = Traits(
      framing: framing, direction: .twoWay, reach: .network, delivery: delivery, attach: [.name],
      payloadCopies: 2, maximumMessageByteCount: maximum)
    traits.bringsHosts = true
    return traits
  }
}

/// Where a channel's hosts are, and what its sides are called.
public struct NetBIOSChannel: Sendable {
  /// The files of the network namespaces: the producer's and the consumer's.
  var namespaces: [String]
  /// The page on which the sides meet.
  var meeting: String
  var serial: Int

  static func open(_ spec: ChannelSpec) throws(TransportError) -> NetBIOSChannel {
    let network = try spec.service(NetBIOSNetwork.self).namespaces
    let meeting = try explaining("make the page on which the sides meet") { () throws(SystemError) in
      let path = try spec.scope.path(spec.name("netbios"))
      _ = try Meeting.Place.create(path: path)
      return path
    }
    return NetBIOSChannel(
      namespaces: [network.path(ofHost: 0), network.path(ofHost: 1)], meeting: meeting, serial: spec.serial)
  }

  var address: String { "\(serial) \(namespaces[0]) \(namespaces[1]) \(meeting)" }

  static func find(_ address: String) throws(TransportError) -> NetBIOSChannel {
    let parts = address.split(separator: " ", maxSplits: 3).map(String.init)
    guard parts.count == 4, let serial = Int(parts[0]) else {
      throw TransportError(.unsupported, "'\(address)' is not a number, two namespaces and a path.")
    }
    return NetBIOSChannel(namespaces: [parts[1], parts[2]], meeting: parts[3], serial: serial)
  }

  /// Worker: moves to its host.
  func enter(as role: Role) throws(TransportError) {
    try explaining("enter a network namespace") { () throws(SystemError) in
      try Namespaces.enter(network: namespaces[index(role)])
    }
  }

  private func index(_ role: Role) -> Int { role == .producer ? 0 : 1 }
  func hostAddress(of role: Role) -> String { NetworkNamespaces.address(ofHost: index(role)) }

  /// Of a server, which is what 0x20 says.
  func name(of role: Role) -> NetBIOSName {
    let text = "IPCB\(serial % 1_000_000)\(role == .producer ? "P" : "C")"
    return NetBIOSName(text, suffix: 0x20)!
  }

  func meet(as role: Role) throws(TransportError) -> Meeting {
    try explaining("meet the peer") { () throws(SystemError) in
      let meeting = try Meeting(.file(self.meeting), isFirst: role == .producer)
      _ = try meeting.greet()
      return meeting
    }
  }

  /// A side's own name, registered, and what gives it back at the end.
  func registerName(of role: Role) throws(TransportError) -> NameClient {
    var client = try NameClient(at: hostAddress(of: role), server: NetBIOSNetwork.serverAddress)
    do throws(TransportError) {
      try client.register(name(of: role))
    } catch {
      client.close()
      throw error
    }
    return client
  }

  func release(_ client: NameClient, _ role: Role) -> @Sendable () -> Void {
    let name = name(of: role)
    return {
      var client = client
      try? client.release(name)
      client.close()
    }
  }
}

extension ChannelProvider where Channel == NetBIOSChannel {
  public static func probe(_ spec: ChannelSpec) throws(TransportError) { try NetBIOSNetwork.probe() }
  public static func open(_ spec: ChannelSpec) throws(TransportError) -> NetBIOSChannel { try .open(spec) }
  public static func address(of channel: NetBIOSChannel) -> String { channel.address }
  public static func find(_ address: String, _ spec: ChannelSpec) throws(TransportError) -> NetBIOSChannel {
    try .find(address)
  }
  public static func close(_ channel: NetBIOSChannel) { SharedObject.removeFile(path: channel.meeting) }
}
