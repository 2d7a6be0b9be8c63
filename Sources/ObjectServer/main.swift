// A server of objects, started by a message bus when somebody calls a name that nobody owns:
//
//   ipcbench-object-server NAME
//
// It serves until the last object has been let go, and ends when nobody asks for one.
import Glibc
import LinuxIPC
import Services

/// What the bus's log shows.
func complain(_ sentence: String) {
  let line = "ipcbench-object-server: \(sentence)\n"
  _ = line.withCString { write(2, $0, strlen($0)) }
}

guard CommandLine.arguments.count == 2, let address = getenv("DBUS_STARTER_ADDRESS") else {
  complain("it is started by a message bus, not by hand.")
  exit(64)
}
// Not with the parent: that is the bus's helper, which ends as soon as the server has its name.
signal(SIGPIPE, SIG_IGN)
do {
  let bus = try BusConnection(String(cString: address))
  var server = ObjectServer(bus)
  try bus.match("type='signal',sender='org.freedesktop.DBus',member='NameOwnerChanged'")
  try bus.own(CommandLine.arguments[1])
  server.serve()
  bus.close()
} catch {
  complain("\(error)")
  exit(1)
}
