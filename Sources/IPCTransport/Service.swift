import Glibc
import LinuxIPC
import SystemPackage

/// A daemon that a mechanism needs beside its two workers: an X server, a message bus.
///
/// It is a run's own: started on demand and once, in the run's directories, reachable by nobody who is not told
/// where, and gone when the run is.
public protocol Service: Sendable {
  /// Kebab case, for files: `x-server`.
  static var name: String { get }
  /// For sentences: `the X server`.
  static var title: String { get }

  /// Parent, single-threaded: starts it and returns when it can be used; throws with what to do about it.
  static func start(_ place: ServicePlace) throws(TransportError) -> Self

  /// Nil where it is not ours, but the user's.
  var process: Child? { get }
  /// What ends the process. By default it is asked to (SIGTERM), and killed when it has not ended after two seconds.
  static var stopSignal: Int32 { get }
  /// Parent, when the process has ended, in whatever way: removes what it may have left.
  func removeTraces()
}

extension Service {
  public static var stopSignal: Int32 { SIGTERM }
}

/// Where a service lives.
public struct ServicePlace: Sendable {
  /// Names of everything it creates.
  public var scope: ResourceScope
  /// Where it says what goes wrong.
  public var logPath: String
  public var display: DisplayChoice
  /// The host that it serves.
  public var host: HostPlace

  public init(scope: ResourceScope, logPath: String, display: DisplayChoice, host: HostPlace) {
    self.scope = scope
    self.logPath = logPath
    self.display = display
    self.host = host
  }

  /// Starts a daemon and waits for the line that it writes to its descriptor 3 once it is ready.
  ///
  /// - Parameters:
  ///   - package: what to install where the program is missing.
  ///   - environment: beside PATH and HOME, which is the run's directory.
  public func start(
    _ program: String, _ arguments: [String], package: String, environment: [String: String] = [:]
  ) throws(TransportError) -> (process: Child, report: String) {
    let pipe = try explaining("make a pipe") { () throws(SystemError) in try PipeEnds.create() }
    defer { pipe.read.closeQuietly() }
    let process = try { () throws(TransportError) in
      defer { pipe.write.closeQuietly() }
      return try launch(program, arguments, package: package, environment, report: pipe.write)
    }()
    if let line = ReportedLine.read(pipe.read, milliseconds: Self.patienceMilliseconds) {
      return (process, line)
    }
    throw notReady(program, process)
  }

  /// Starts a daemon that says nothing, and waits until `isReady` finds that it can be used.
  ///
  /// - Parameter deathSignal: what it is sent when this process dies.
  public func start(
    _ program: String, _ arguments: [String], package: String, environment: [String: String] = [:],
    deathSignal: Int32 = SIGTERM, isReady: (Child) -> Bool
  ) throws(TransportError) -> Child {
    let process = try launch(
      program, arguments, package: package, environment, report: nil, deathSignal: deathSignal)
    let deadline = Clock.monotonicNanoseconds() + UInt64(Self.patienceMilliseconds) * 1_000_000
    while !isReady(process) {
      let hasEnded = ProcessPoll.firstEnded([process], milliseconds: 2) != nil
      if hasEnded || Clock.monotonicNanoseconds() > deadline { throw notReady(program, process) }
    }
    return process
  }

  private func launch(
    _ program: String, _ arguments: [String], package: String, _ environment: [String: String],
    report: FileDescriptor?, deathSignal: Int32 = SIGTERM
  ) throws(TransportError) -> Child {
    guard let path = Program.find(program) else { throw .missing(program, package: package) }
    return try explaining("start \(program)") { () throws(SystemError) in
      let log = FileDescriptor(
        rawValue: try check(
          "open", logPath, open(logPath, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC | O_NOFOLLOW, 0o600)))
      defer { log.closeQuietly() }
      var variables = ["PATH": Program.searchPath, "HOME": try scope.path(""), "LANG": "C"]
      variables.merge(environment) { $1 }
      // Where a toolchain's libraries are found that servers of this program's kind need.
      if let path = getenv("LD_LIBRARY_PATH") { variables["LD_LIBRARY_PATH"] = String(cString: path) }
      return try Processes.start(
        path, arguments, standardOutput: log, standardError: log, directory: "/",
        daemon: DaemonStart(environment: variables, report: report, deathSignal: deathSignal))
    }
  }

  private func notReady(_ program: String, _ process: Child) -> TransportError {
    process.kill()
    _ = try? process.reap()
    return TransportError(.unavailable, "\(program) did not become ready; see \(logPath).")
  }

  /// A service is ready in a few tenths of a second; a loaded machine may take longer.
  private static var patienceMilliseconds: Int32 { 10_000 }
}

extension TransportError {
  /// A component that is not installed.
  public static func missing(_ component: String, package: String) -> TransportError {
    TransportError(.unavailable, "\(component) is not installed: install the package \(package).")
  }
}

/// Whose screen mechanisms with windows use.
public enum DisplayChoice: String, Sendable, CaseIterable {
  /// A server of the run's own.
  case own
  /// The one that $DISPLAY names. Its clipboard is overwritten.
  case host
}

/// The services of a run. Belongs to the parent; workers are told addresses.
public final class ServiceHost: @unchecked Sendable {
  private let scope: ResourceScope
  private let logDirectory: String
  private let display: DisplayChoice
  private var running: [(type: any Service.Type, host: HostPlace, service: any Service)] = []
  private var endings: [String] = []

  /// - Parameter logDirectory: made on demand.
  public init(scope: ResourceScope, logDirectory: String, display: DisplayChoice = .own) {
    self.scope = scope
    self.logDirectory = logDirectory
    self.display = display
  }

  /// The running service of this type; started where there is none, or where it has ended.
  ///
  /// - Parameter host: for which it is, where a service is for one host.
  public func ready<S: Service>(
    _ type: S.Type, on host: HostPlace = Hosts.loopback.producer
  ) throws(TransportError) -> S {
    noticeEndings()
    let found = running.first { $0.type == type && $0.host == host }
    if let found = found?.service as? S { return found }
    // Only who runs services has a directory for their logs.
    mkdir(logDirectory, 0o755)
    let service = try S.start(
      ServicePlace(scope: scope, logPath: logPath(type), display: display, host: host))
    running.append((type, host, service))
    return service
  }

  /// Services of one type share a log.
  private func logPath(_ type: any Service.Type) -> String { "\(logDirectory)/\(type.name).log" }

  /// What has ended by itself since it was last asked for: clauses for people.
  public func takeEndings() -> [String] {
    // A process that ends has closed its sockets before it can be reaped.
    noticeEndings(within: 100)
    defer { endings = [] }
    return endings
  }

  private func noticeEndings(within milliseconds: Int32 = 0) {
    running.removeAll { type, _, service in
      guard let process = service.process,
        ProcessPoll.firstEnded([process], milliseconds: milliseconds) != nil,
        let status = try? process.reap()
      else { return false }
      service.removeTraces()
      endings.append("\(type.title) \(status), its log is \(logPath(type))")
      return true
    }
  }

  /// Ends everything, the last one first. Does nothing the second time.
  public func stopAll() {
    for (type, _, service) in running.reversed() {
      if let process = service.process {
        process.kill(type.stopSignal)
        if ProcessPoll.firstEnded([process], milliseconds: 2000) == nil { process.kill() }
        _ = try? process.reap()
      }
      service.removeTraces()
    }
    running = []
  }
}

/// Programs as a shell finds them.
public enum Program {
  /// Daemons lie where not every user looks.
  public static var searchPath: String {
    let own = getenv("PATH").map { String(cString: $0) } ?? ""
    return own + ":/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin"
  }

  /// The path of a program, nil where it is not installed.
  public static func find(_ name: String) -> String? {
    searchPath.split(separator: ":").lazy.map { "\($0)/\(name)" }.first { access($0, X_OK) == 0 }
  }

  /// The file that this process runs.
  public static var ownPath: String { ProcessName.executable(of: getpid()) ?? "" }

  /// A file that is built together with this program and lies beside it.
  public static func companion(_ name: String) -> String {
    ownPath.split(separator: "/").dropLast().reduce("") { "\($0)/\($1)" } + "/\(name)"
  }
}

/// A line that another process writes to a pipe when it has come so far.
public enum ReportedLine {
  /// Nil when the other side ends without one, or takes too long.
  public static func read(_ descriptor: FileDescriptor, milliseconds: Int32) -> String? {
    let deadline = Clock.monotonicNanoseconds() + UInt64(milliseconds) * 1_000_000
    var line: [UInt8] = []
    while Clock.monotonicNanoseconds() < deadline, line.count < 4096 {
      var request = pollfd(fd: descriptor.rawValue, events: Int16(POLLIN), revents: 0)
      guard poll(&request, 1, 100) > 0 else { continue }
      var byte: UInt8 = 0
      guard Glibc.read(descriptor.rawValue, &byte, 1) == 1 else { return nil }
      if byte == UInt8(ascii: "\n") { return String(decoding: line, as: UTF8.self) }
      line.append(byte)
    }
    return nil
  }
}
