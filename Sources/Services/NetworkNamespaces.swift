import CLinuxShims
import Glibc
import IPCTransport
import LinuxIPC
import SystemPackage

/// Two hosts or more on one machine: network namespaces of the run's own, joined by a virtual cable (veth(4)), or where
/// there are more than two by a bridge. They have no names: a process that holds their descriptors keeps them, so that
/// nothing is left when it ends, in whatever way (network_namespaces(7)).
public struct NetworkNamespaces: Sendable {
  /// Keeps the namespaces.
  public let process: Child
  public let hostCount: Int

  /// Descriptors of the keeper's: the hosts, then what joins them.
  private static var firstDescriptor: Int32 { 4 }

  /// Whether they can be made here.
  public static func probe() throws(TransportError) {
    for (program, package) in [("ip", "iproute2"), ("nsenter", "util-linux")]
    where Program.find(program) == nil {
      throw .missing(program, package: package)
    }
    // CAP_NET_ADMIN and CAP_SYS_ADMIN, capabilities(7).
    guard Capabilities.has(12), Capabilities.has(21) else {
      throw TransportError(
        .noPermission,
        "Network namespaces need CAP_NET_ADMIN and CAP_SYS_ADMIN: run as root, or leave '--scope network' out."
      )
    }
  }

  /// - Parameter hostCount: two or more.
  init(hostCount: Int, _ place: ServicePlace) throws(TransportError) {
    try Self.probe()
    let namespaceCount = hostCount == 2 ? 2 : hostCount + 1
    let pipe = try explaining("make a pipe") { () throws(SystemError) in try PipeEnds.create() }
    defer { pipe.read.closeQuietly() }
    let process = try explaining("make network namespaces") { () throws(SystemError) in
      defer { pipe.write.closeQuietly() }
      return try Processes.fork { Self.keep(namespaceCount, pipe.write) }
    }
    (self.process, self.hostCount) = (process, hostCount)
    do throws(TransportError) {
      guard ReportedLine.read(pipe.read, milliseconds: 5000) == "ready" else {
        throw TransportError(
          .noPermission, "The kernel does not let this process make network namespaces (unshare(2)).")
      }
      try join(place)
    } catch {
      stop()
      throw error
    }
  }

  /// The keeper's whole life.
  private static func keep(_ count: Int, _ report: FileDescriptor) -> Int32 {
    StopSignal.resetInWorker()
    // Its own session, so that a ^C in the terminal is not meant for it.
    setsid()
    // Nothing else of the harness's: it would not see the end of its own pipes.
    guard dup2(report.rawValue, 3) == 3, ipcb_close_from(firstDescriptor) == 0 else { return 1 }
    for index in 0..<Int32(count) {
      guard ipcb_unshare_network() == 0,
        // The lowest number that is free.
        ipcb_open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC, 0) == firstDescriptor + index
      else { return 1 }
    }
    _ = "ready\n".withCString { write(3, $0, 6) }
    close(3)
    while true { pause() }
  }

  public func stop() {
    process.kill()
    _ = try? process.reap()
  }

  // MARK: What is where

  /// A file whose opening gives the namespace of a host: for setns(2), and for programs.
  public func path(ofHost index: Int) -> String {
    "/proc/\(process.pid)/fd/\(Self.firstDescriptor + Int32(index))"
  }

  public func place(ofHost index: Int) -> HostPlace {
    HostPlace(address: Self.address(ofHost: index), namespace: path(ofHost: index))
  }

  /// An address of the range for documentation and examples (RFC 5737), which no real network has.
  public static func address(ofHost index: Int) -> String { "192.0.2.\(index + 1)" }
  public static var broadcastAddress: String { "192.0.2.255" }
  /// What each host calls its end of the cable.
  public static var interface: String { "ipcb0" }

  private func join(_ place: ServicePlace) throws(TransportError) {
    if hostCount == 2 {
      try configure(
        0, ["link add \(Self.interface) type veth peer name \(Self.interface) netns \(path(ofHost: 1))"],
        place)
    } else {
      let ports = (0..<hostCount).flatMap { index in
        [
          "link add port\(index) type veth peer name \(Self.interface) netns \(path(ofHost: index))",
          "link set port\(index) master bridge", "link set port\(index) up",
        ]
      }
      // Without spanning tree the bridge forwards at once.
      try configure(
        hostCount, ["link add bridge type bridge forward_delay 0", "link set bridge up"] + ports, place)
    }
    for index in 0..<hostCount {
      let address = Self.address(ofHost: index)
      try configure(
        index,
        [
          "link set lo up",
          "addr add \(address)/24 broadcast \(Self.broadcastAddress) dev \(Self.interface)",
          "link set \(Self.interface) up",
        ], place)
    }
  }

  /// Runs ip(8) in a namespace.
  private func configure(_ index: Int, _ commands: [String], _ place: ServicePlace) throws(TransportError) {
    let status = try explaining("join the network namespaces") { () throws(SystemError) in
      let batch = try place.scope.path("network-\(index)")
      defer { SharedObject.removeFile(path: batch) }
      try TextFile.write(commands.joined(separator: "\n") + "\n", to: batch)
      let log = try check(
        "open", place.logPath, ipcb_open(place.logPath, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0o600))
      defer { close(log) }
      let output = FileDescriptor(rawValue: log)
      return try Processes.start(
        Program.find("nsenter") ?? "nsenter",
        ["--net=\(path(ofHost: index))", Program.find("ip") ?? "ip", "-batch", batch],
        standardOutput: output, standardError: output
      ).reap()
    }
    guard status == .exited(0) else {
      throw TransportError(.system, "The network namespaces could not be joined; see \(place.logPath).")
    }
  }
}

/// The two hosts of `--scope network`: the producer's and the consumer's.
public struct TwoHosts: Service {
  public static var name: String { "network" }
  public static var title: String { "the keeper of the network namespaces" }

  public let namespaces: NetworkNamespaces
  public var process: Child? { namespaces.process }

  public static func start(_ place: ServicePlace) throws(TransportError) -> TwoHosts {
    TwoHosts(namespaces: try NetworkNamespaces(hostCount: 2, place))
  }

  /// The kernel removes namespaces, and the cable with them.
  public func removeTraces() {}

  public var hosts: Hosts {
    Hosts(scope: .network, producer: namespaces.place(ofHost: 0), consumer: namespaces.place(ofHost: 1))
  }
}

/// What this process may do.
enum Capabilities {
  /// - Parameter number: of capabilities(7).
  static func has(_ number: Int) -> Bool {
    let line = (TextFile.read("/proc/self/status") ?? "").split(separator: "\n")
      .first { $0.hasPrefix("CapEff:") }
    guard let mask = line.flatMap({ UInt64($0.dropFirst(7).drop { " \t".contains($0) }, radix: 16) }) else {
      return false
    }
    return mask & 1 << UInt64(number) != 0
  }
}
