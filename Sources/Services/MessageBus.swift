import Glibc
import IPCTransport
import LinuxIPC
import SystemPackage

/// A private message bus: dbus-daemon(1), on a socket in the run's directory. Only this user may connect.
public struct MessageBus: Service {
  public static var name: String { "message-bus" }
  public static var title: String { "the message bus" }

  /// As D-Bus writes it: `unix:path=…,guid=…`.
  public let address: String
  public let process: Child?
  private let directory: String

  /// Whether it could be started here.
  public static func probe() throws(TransportError) {
    if Program.find(program) == nil { throw .missing(program, package: "dbus-daemon") }
  }

  private static var program: String { "dbus-daemon" }

  public static func start(_ place: ServicePlace) throws(TransportError) -> MessageBus {
    let directory = try explaining("make the message bus's directory") { () throws(SystemError) in
      let directory = try place.scope.path("bus")
      Directory.remove(directory)
      try Directory.create(directory)
      try Directory.create("\(directory)/services")
      try TextFile.write(configuration(directory), to: "\(directory)/bus.conf")
      return directory
    }
    let (process, report) = try place.start(
      program,
      ["--config-file=\(directory)/bus.conf", "--nofork", "--nopidfile", "--nosyslog", "--print-address=3"],
      package: "dbus-daemon")
    return MessageBus(address: report, process: process, directory: directory)
  }

  public func removeTraces() { Directory.remove(directory) }

  /// Limits that stop nobody: what is measured is the bus, not its quota (dbus-daemon(1)).
  private static func configuration(_ directory: String) -> String {
    """
    <busconfig>
      <type>ipcbench</type>
      <listen>unix:path=\(directory)/socket</listen>
      <auth>EXTERNAL</auth>
      <servicedir>\(directory)/services</servicedir>
      <policy context="default">
        <allow send_destination="*" eavesdrop="true"/>
        <allow eavesdrop="true"/>
        <allow own="*"/>
      </policy>
      <limit name="max_incoming_bytes">1000000000</limit>
      <limit name="max_outgoing_bytes">1000000000</limit>
      <limit name="max_message_size">134217728</limit>
      <limit name="max_replies_per_connection">50000</limit>
      <limit name="service_start_timeout">10000</limit>
    </busconfig>

    """
  }

  /// Says which command is to be started when somebody calls a name that nobody owns. Known once the bus has read
  /// it: see `BusConnection.reload`.
  public func declare(_ name: String, command: [String]) throws(TransportError) {
    // As a shell reads it (dbus-daemon(1)); a backslash would be the file's own escape.
    let quoted = command.map {
      "'" + $0.split(separator: "'", omittingEmptySubsequences: false).joined(separator: "'\"'\"'") + "'"
    }
    .joined(separator: " ")
    try explaining("declare \(name)") { () throws(SystemError) in
      try TextFile.write(
        "[D-BUS Service]\nName=\(name)\nExec=\(quoted)\n", to: "\(directory)/services/\(name).service")
    }
  }

  /// Takes it back.
  public func withdraw(_ name: String) {
    SharedObject.removeFile(path: "\(directory)/services/\(name).service")
  }
}
