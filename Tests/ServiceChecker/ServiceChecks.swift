import Glibc
import IPCTransport
import LinuxIPC
import Mechanisms
import Services

private func milliseconds(_ body: () throws -> Void) throws -> UInt64 {
  let began = Clock.monotonicNanoseconds()
  try body()
  return (Clock.monotonicNanoseconds() - began) / 1_000_000
}

/// What daemons of a scope may leave: processes, the X server's socket and lock, directories.
private func traces(of scope: ResourceScope, display: String) -> [String] {
  let number = display.drop { $0 == ":" }
  let files = ["/tmp/.X11-unix/X\(number)", "/tmp/.X\(number)-lock", "/tmp/\(scope.tag)"]
  return files.filter { access($0, F_OK) == 0 } + processes(mentioning: scope.tag).map { "process \($0)" }
}

/// A process that runs both daemons, and says where the X server is.
private func withOwner(
  _ stage: Stage, _ body: (_ owner: Child, ResourceScope, XAddress) throws -> Void
) throws {
  let (page, path) = (try ResultPage(), try stage.scope.path("owner"))
  let owner = try stage.fork(page, .producer) {
    let scope = ResourceScope()
    let services = ServiceHost(scope: scope, logDirectory: try scope.path("services"))
    let address = try services.ready(XServer.self).address
    _ = try services.ready(MessageBus.self)
    try TextFile.write("\(scope.startTime)\n\(address.text)", to: path)
    page.counter.store(1)
    while true { pause() }
  }
  try waitFor("the daemons", seconds: 10) { page.counter.load() == 1 }
  let parts = (TextFile.read(path) ?? "").split(separator: "\n").map(String.init)
  let scope = ResourceScope(pid: owner.pid, startTime: try unwrap(UInt64(parts[0]), "no start time"))
  try body(owner, scope, try unwrap(XAddress(parts[1]), "no address"))
}

let serviceChecks: [Check] = [
  Check(noting: "the X server is ready in less than two seconds") { stage in
    let time = try milliseconds { _ = try stage.server() }
    try require(time < 2000, "\(time) ms")
    return "\(time) ms"
  },
  Check(noting: "the message bus is ready in less than two seconds") { stage in
    let time = try milliseconds { _ = try stage.bus() }
    try require(time < 2000, "\(time) ms")
    return "\(time) ms"
  },
  Check("who has not the cookie cannot connect to the X server") { stage in
    let address = try stage.server().address
    unsetenv("XAUTHORITY")
    setenv("HOME", "/nonexistent", 1)
    let stranger = try unwrap(XAddress("\(address.display)  "), "no address")
    let error = try refusal { _ = try XConnection(stranger) }
    try require(error.description.contains(address.display), "\(error)")
    var info = stat()
    try require(lstat(address.authority, &info) == 0 && info.st_mode & 0o777 == 0o600, "others may read it")
  },
  Check("the user's own display, bus and directories are not touched") { stage in
    // A server of somebody else's plays the user's.
    try withOwner(stage) { _, _, theirs in
      var user = try Client(theirs)
      user.owner.own(time: try user.time())
      user.x.synchronise()
      setenv("DISPLAY", theirs.display, 1)
      setenv("XAUTHORITY", theirs.authority, 1)
      setenv("DBUS_SESSION_BUS_ADDRESS", "unix:path=/nonexistent/bus", 1)
      setenv("XDG_RUNTIME_DIR", "/nonexistent", 1)
      setenv("HOME", "/nonexistent", 1)
      let server = try stage.server().address
      try require(server.display != theirs.display, "it is the user's")
      _ = try stage.bus()
      var client = try Client(server)
      client.owner.own(time: try client.time())
      client.x.synchronise()
      try require(user.x.owner(of: user.selection) == user.window, "the user's clipboard was taken")
    }
  },
  Check("nothing of a service is left when it is stopped") { stage in
    let display = try stage.server().address.display
    _ = try stage.bus()
    try require(traces(of: stage.scope, display: display).count >= 3, "nothing was there")
    stage.services.stopAll()
    stage.scope.removeAll()
    try waitFor("the end of \(traces(of: stage.scope, display: display))") {
      traces(of: stage.scope, display: display).isEmpty
    }
  },
  Check("services end with the process that is killed, and the next one removes the rest") { stage in
    try withOwner(stage) { owner, scope, address in
      let display = address.display
      owner.kill()
      _ = stage.end(owner)
      try waitFor("the end of the daemons") { processes(mentioning: scope.tag).isEmpty }
      ResourceScope.removeLeftovers()
      try require(traces(of: scope, display: display).isEmpty, "\(traces(of: scope, display: display))")
    }
  },
  Check("what an X server leaves that is killed itself is removed by the next run") { stage in
    try withOwner(stage) { owner, scope, address in
      let display = address.display
      let servers = processes(mentioning: "\(scope.tag)/x-authority")
      for pid in servers { kill(pid, SIGKILL) }
      try waitFor("the end of the X server") { servers.allSatisfy(isGone) }
      owner.kill()
      _ = stage.end(owner)
      try waitFor("the end of the daemons") { processes(mentioning: scope.tag).isEmpty }
      try require(access("/tmp/.X11-unix/X\(display.dropFirst())", F_OK) == 0, "it left nothing")
      ResourceScope.removeLeftovers()
      try require(traces(of: scope, display: display).isEmpty, "\(traces(of: scope, display: display))")
    }
  },
  Check("a service that was killed is started again, and said to have ended") { stage in
    let (server, bus) = (try stage.server(), try stage.bus())
    server.process?.kill()
    bus.process?.kill()
    try waitFor("their end") {
      ProcessPoll.firstEnded([server.process!], milliseconds: 0) != nil
        && ProcessPoll.firstEnded([bus.process!], milliseconds: 0) != nil
    }
    let endings = stage.services.takeEndings()
    try require(endings.count == 2, "\(endings)")
    try require(endings.contains { $0.contains("the X server was killed by signal 9") }, "\(endings)")
    try require(endings.allSatisfy { $0.contains(".log") }, "\(endings)")
    _ = try XConnection(try stage.server().address)
    try BusConnection(try stage.bus().address).close()
  },
  Check("what is not installed is named, with its package") { _ in
    try require(Program.find("no-such-program-anywhere") == nil, "it was found")
    let error = TransportError.missing("Xvfb", package: "xvfb")
    try require(error.description == "Xvfb is not installed: install the package xvfb.", "\(error)")
  },
]
