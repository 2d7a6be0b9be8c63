import Glibc
import IPCTransport
import LinuxIPC

/// A private rpcbind(8): tells which port a program of ONC RPC is at (RFC 1833). Its port, 111, and its socket,
/// /run/rpcbind.sock, are fixed, so that it has a network of its own, where it serves none of the run's hosts, and in
/// any case a /run of its own.
public struct PortMapper: Service {
  public static var name: String { "rpcbind" }
  public static var title: String { "the port mapper" }

  public let process: Child?

  /// Whether it could be started here.
  public static func probe() throws(TransportError) {
    for (program, package) in [
      ("rpcbind", "rpcbind"), ("ip", "iproute2"), ("nsenter", "util-linux"), ("unshare", "util-linux"),
      ("mount", "mount"),
    ] where Program.find(program) == nil { throw .missing(program, package: package) }
    guard Capabilities.has(12), Capabilities.has(21) else {
      throw TransportError(
        .noPermission,
        "A private rpcbind needs namespaces, and those CAP_NET_ADMIN and CAP_SYS_ADMIN: run as root.")
    }
  }

  /// Its process keeps the namespaces. rpcbind changes its user, whereupon the kernel forgets with whom it is to
  /// die; so it lies in a namespace of processes, whose first one dies with that process, and everything with it
  /// (pid_namespaces(7)). unshare(1) blocks other signals than SIGKILL while it waits.
  public static func start(_ place: ServicePlace) throws(TransportError) -> PortMapper {
    let mark = "/run/ipcbench"
    let script =
      "mount -t tmpfs -o mode=755 tmpfs /run && : >\(mark) && ip link set lo up && "
      + "{ \(Program.find("rpcbind") ?? "rpcbind") -f & wait; }"
    let network =
      place.host.namespace.map { ["nsenter", "--net=\($0)", "unshare"] } ?? ["unshare", "--net"]
    let command =
      network + [
        "--mount", "--propagation", "private", "--pid", "--fork", "--kill-child", "sh", "-c", script,
      ]
    let process = try place.start(
      command[0], Array(command.dropFirst()), package: "util-linux", deathSignal: SIGKILL
    ) { process in
      let root = "/proc/\(process.pid)/root"
      // Until the mark is there, /run is that of the machine.
      return access(root + mark, F_OK) == 0 && answers(at: "\(root)/run/rpcbind.sock")
    }
    return PortMapper(process: process)
  }

  public static var stopSignal: Int32 { SIGKILL }

  private static func answers(at path: String) -> Bool {
    guard let socket = try? Socket.unix(.stream) else { return false }
    defer { socket.close() }
    return (try? socket.connect(path: path)) != nil
  }

  /// Its files go with its namespaces.
  public func removeTraces() {}

  /// Worker: makes this port mapper its own, in a process that has one thread.
  ///
  /// - Parameter pid: of the port mapper's process.
  public static func enter(_ pid: Int32) throws(TransportError) {
    try explaining("enter the namespaces of rpcbind") { () throws(SystemError) in
      try Namespaces.enter(network: "/proc/\(pid)/ns/net")
      try Namespaces.enter(mounts: "/proc/\(pid)/ns/mnt")
    }
  }
}
