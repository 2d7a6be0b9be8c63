import Glibc
import IPCTransport
import LinuxIPC

/// Three hosts of the run's own on one network, with a real nmbd(8) on the third as NetBIOS name server. nmbd wants a
/// network interface, and ports that are fixed.
public struct NetBIOSNetwork: Service {
  public static var name: String { "netbios-network" }
  public static var title: String { "the NetBIOS name server" }

  public let namespaces: NetworkNamespaces
  public let process: Child?
  private let directory: String

  private static var serverIndex: Int { 2 }
  public static var serverAddress: String { NetworkNamespaces.address(ofHost: serverIndex) }

  /// Whether it could be started here.
  public static func probe() throws(TransportError) {
    if Program.find("nmbd") == nil { throw .missing("nmbd", package: "samba") }
    try NetworkNamespaces.probe()
  }

  public static func start(_ place: ServicePlace) throws(TransportError) -> NetBIOSNetwork {
    try probe()
    let directory = try explaining("make nmbd's directories") { () throws(SystemError) in
      let directory = try place.scope.path("nmbd")
      Directory.remove(directory)
      try Directory.create(directory)
      for folder in folders { try Directory.create("\(directory)/\(folder.name)") }
      try TextFile.write(configuration(directory), to: "\(directory)/smb.conf")
      return directory
    }
    let namespaces = try NetworkNamespaces(hostCount: 3, place)
    do throws(TransportError) {
      let process = try place.start(
        "nsenter",
        [
          "--net=\(namespaces.path(ofHost: serverIndex))", Program.find("nmbd") ?? "nmbd", "--foreground",
          "--no-process-group", "--configfile=\(directory)/smb.conf",
        ], package: "util-linux"
      ) { process in listens(process.pid) }
      return NetBIOSNetwork(namespaces: namespaces, process: process, directory: directory)
    } catch {
      namespaces.stop()
      Directory.remove(directory)
      throw error
    }
  }

  /// Whether the process's network has a socket at the port of the name service, which from then on keeps what comes.
  private static func listens(_ pid: Int32) -> Bool {
    // 192.0.2.3:137, as proc_pid_net(5) writes it.
    (TextFile.read("/proc/\(pid)/net/udp") ?? "").contains("030200C0:0089")
  }

  private static var folders: [(name: String, parameter: String)] {
    [
      ("lock", "lock directory"), ("state", "state directory"), ("cache", "cache directory"),
      ("private", "private dir"), ("pid", "pid directory"), ("ncalrpc", "ncalrpc dir"),
    ]
  }

  /// Nothing of the machine's own Samba is touched; it is a name server (WINS) and takes part in no elections.
  private static func configuration(_ directory: String) -> String {
    let places = folders.map { "  \($0.parameter) = \(directory)/\($0.name)\n" }.joined()
    return """
      [global]
        netbios name = IPCBENCHNS
        workgroup = IPCBENCH
        server role = standalone
        wins support = yes
        dns proxy = no
        domain master = no
        local master = no
        preferred master = no
        interfaces = \(serverAddress)/24
        bind interfaces only = yes
        log file = \(directory)/log

      """ + places
  }

  public func removeTraces() {
    namespaces.stop()
    Directory.remove(directory)
  }
}
