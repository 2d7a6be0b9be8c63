import IPCTransport
import LinuxIPC
import SystemPackage

/// A stream socket of the family that joins virtual machines and their host, looped back inside this one.
public enum Vsock: ChannelProvider {
  public static var mechanism: Mechanism {
    Mechanism(
      id: "vsock", summary: "a stream socket between machine and host (AF_VSOCK), looped back",
      traits: Traits(
        framing: .byteStream, direction: .twoWay, reach: .network, attach: [.name], payloadCopies: 2),
      explanation: explanation, manPages: ["vsock(7)"])
  }

  /// VMADDR_CID_LOCAL: this machine itself.
  static var local: UInt32 { 1 }

  /// Binds, and never connects: where loopback is compiled out, a connection could leave the machine.
  public static func probe(_ spec: ChannelSpec) throws(TransportError) {
    do throws(SystemError) {
      let socket = try Socket.vsock()
      defer { socket.close() }
      try socket.bind(contextID: local, port: .max)
    } catch {
      throw TransportError(
        .unavailable,
        "vsock has no loopback here (\(error)): load it with 'modprobe vsock_loopback', or use a kernel that has it."
      )
    }
  }

  /// The port.
  public static func open(_ spec: ChannelSpec) throws(TransportError) -> UInt32 {
    UInt32(bitPattern: SystemVKey.make(spec))
  }

  public static func address(of port: UInt32) -> String { String(port) }
  public static func find(_ address: String, _ spec: ChannelSpec) throws(TransportError) -> UInt32 {
    guard let port = UInt32(address) else {
      throw TransportError(.unsupported, "'\(address)' is not a port.")
    }
    return port
  }
  public static func close(_ port: UInt32) {}

  public static func attach(
    _ port: UInt32, as role: Role, _ spec: ChannelSpec
  ) throws(TransportError) -> Ends {
    try explaining("connect over vsock") { () throws(SystemError) in
      let socket = try Socket.vsock()
      if role == .producer {
        try socket.connect(contextID: local, port: port, milliseconds: 5000)
        return Ends(socket)
      }
      defer { socket.close() }
      try socket.bind(contextID: local, port: port)
      try socket.listen()
      return Ends(try socket.accept(milliseconds: 5000))
    }
  }
}

extension Vsock {
  static var explanation: Explanation {
    Explanation(
      "The socket family with which a virtual machine and its host talk without any network: an address "
        + "is a context id and a 32-bit port. Here both ends are on this machine, with context id 1 "
        + "(VMADDR_CID_LOCAL), through the vsock_loopback transport. It is a byte stream with credit-based "
        + "flow control; the suite frames messages with a length in 4 bytes.",
      producer: [
        .init(
          "socket(AF_VSOCK, SOCK_STREAM | SOCK_CLOEXEC, 0)", "Makes its end.", answers: "WSAStartup, socket"),
        .init(
          "connect(s, VMADDR_CID_LOCAL:port)",
          "Again for 1 ms, then every 500 µs, for up to 5 s, while it is refused.",
          answers: "connect"),
        .chooseBlocking,
        .writeFramed,
        .readFramedEcho,
        .closeSocket,
      ],
      consumer: [
        .init(
          "bind(probe, VMADDR_CID_LOCAL:VMADDR_PORT_ANY), close(probe)",
          "While planning, the harness looks whether there is loopback. It never connects for that, "
            + "which could leave the machine."),
        .init(
          "socket(AF_VSOCK, SOCK_STREAM | SOCK_CLOEXEC, 0)",
          "The consumer makes the socket that listens; the harness only chooses the port.",
          answers: "WSAStartup, socket"),
        .init("bind(listener, VMADDR_CID_LOCAL:port)", "Takes the address.", answers: "bind"),
        .listenForOne,
        .awaitConnection,
        .accept,
        .closeListener,
        .chooseBlocking,
        .readFramed,
        .writeFramedEcho,
        .closeSocket,
      ],
      limits: [
        "Loopback needs CONFIG_VSOCKETS_LOOPBACK and the module vsock_loopback (Linux 5.6 or later); "
          + "without it bind to context id 1 fails with EADDRNOTAVAIL, and the mechanism is skipped.",
        "The buffer of a connection has 262,144 bytes unless SO_VM_SOCKETS_BUFFER_SIZE says otherwise, "
          + "and goes in packets of at most 64 KiB.",
        "Ports below 1,024 need CAP_NET_BIND_SERVICE.",
        "Loopback says nothing about the way between guest and host, which passes virtio rings and a "
          + "hypervisor.",
      ],
      useWhen: "A guest and its host have to talk without addresses, routes and firewalls: agents, "
        + "container runtimes in small virtual machines.",
      avoidWhen: "Both ends run in the same kernel: a Unix socket is faster and present everywhere.")
  }
}
