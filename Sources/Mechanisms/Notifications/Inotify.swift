import Glibc
import IPCTransport
import LinuxIPC
import SystemPackage

/// A file is written to, and whoever watches it is told.
public enum Inotify: ChannelProvider {
  public static var mechanism: Mechanism {
    Mechanism(
      id: "inotify", summary: "a wake-up by writing to a file that is watched",
      counterpart: "FindFirstChangeNotification",
      traits: .notification(attach: [.name]), explanation: explanation, manPages: ["inotify(7)"])
  }

  /// A directory with two files for each direction: equal events in a row are merged while nobody has read them,
  /// so that writes go to the two in turn.
  public static func open(_ spec: ChannelSpec) throws(TransportError) -> String {
    try explaining("create the files to watch") { () throws(SystemError) in
      let directory = try spec.scope.path(spec.name("watched"))
      try Directory.create(directory)
      for role in Role.allCases {
        for path in files(directory, role) {
          try SharedObject.createFile(path: path, byteCount: 1).closeQuietly()
        }
      }
      _ = try Meeting.Place.create(path: directory + "/meeting")
      return directory
    }
  }

  /// What this side writes to.
  private static func files(_ directory: String, _ role: Role) -> [String] {
    (0..<2).map { "\(directory)/\(role.rawValue).\($0)" }
  }

  public static func close(_ directory: String) { Directory.remove(directory) }

  public struct Attachment: Sendable {
    var watch: FileDescriptor
    var files: [FileDescriptor]
    var meeting: Meeting
  }

  public static func attach(
    _ directory: String, as role: Role, _ spec: ChannelSpec
  ) throws(TransportError) -> Attachment {
    try explaining("watch the files in \(directory)") { () throws(SystemError) in
      let isNonBlocking = spec.wait != .block
      let watch = try FileEvents.watch(files(directory, role.peer), nonBlocking: isNonBlocking)
      var opened: [FileDescriptor] = []
      for path in files(directory, role) { opened.append(try SharedObject.openFile(path: path)) }
      let meeting = try Meeting(.file(directory + "/meeting"), isFirst: role == .producer)
      _ = try meeting.greet()
      return Attachment(watch: watch, files: opened, meeting: meeting)
    }
  }
}

/// `pwrite` of one byte there, `read` of the events here; several events of one read are handed out one by one.
public struct WatchBell<Wait: WaitStrategy>: MessagePort, ~Copyable {
  @usableFromInline let first: Int32
  @usableFromInline let second: Int32
  @usableFromInline var isSecond = false
  @usableFromInline var pending = 0
  @inlinable public var holdsMessage: Bool { pending > 0 }
  @usableFromInline let events: UnsafeMutableRawPointer
  @inlinable static var eventsByteCount: Int { 4096 }
  public let input: Int32
  public static func meeting(_ attachment: Inotify.Attachment) -> Meeting? { attachment.meeting }

  public init(
    _ attachment: Inotify.Attachment, as role: Role, _ spec: ChannelSpec
  ) throws(TransportError) {
    (first, second) = (attachment.files[0].rawValue, attachment.files[1].rawValue)
    input = attachment.watch.rawValue
    events = Buffer.allocate(Self.eventsByteCount)
  }

  @inlinable @inline(__always)
  public mutating func put(_ message: UnsafeRawPointer, _ byteCount: Int) -> Int {
    var byte: UInt8 = 1
    let written = pwrite(isSecond ? second : first, &byte, 1, 0)
    if written == 1 { isSecond.toggle() }
    return written
  }

  public mutating func take(_ buffer: UnsafeMutableRawPointer, _ capacity: Int) -> Int {
    if pending == 0 {
      let got = RawDescriptor.read(input, events, WatchBell.eventsByteCount)
      if got < 0 { return -1 }
      let count = FileEvents.count(events, got)
      // The queue was full, and some are lost.
      if count < 0 { return RawDescriptor.fail(EOVERFLOW) }
      if count == 0 { return RawDescriptor.fail(EAGAIN) }
      pending = count
    }
    pending &-= 1
    return 0
  }

  public mutating func close() {
    for descriptor in [first, second, input] { Glibc.close(descriptor) }
  }
}

extension Inotify {
  static var explanation: Explanation {
    Explanation(
      "Somebody writes a byte to a file, and whoever watches the file reads an event from a descriptor. "
        + "The event says that the file was written to, not what was written. Equal events in a row are "
        + "merged while nobody has read them, so that each side writes to two files in turn: then one event "
        + "is one wake-up.",
      producer: [
        .init(
          "inotify_init1(IN_CLOEXEC)",
          "An event queue; IN_NONBLOCK in the spin form.",
          answers: "FindFirstChangeNotification"),
        .init(
          "inotify_add_watch(fd, \"consumer.0\", IN_MODIFY), …(\"consumer.1\")",
          "Watches both files of the consumer.",
          answers: "FindFirstChangeNotification"),
        .init(
          "open(\"producer.0\", O_RDWR | O_CLOEXEC), open(\"producer.1\", …)",
          "What this side writes to.",
          answers: "CreateFile"),
        .init(
          "open(\"meeting\", O_RDWR | O_CLOEXEC), fstat(fd), mmap(…, MAP_SHARED, fd, 0), close(fd)",
          "Maps the page on which the workers meet.",
          answers: "OpenFileMapping, MapViewOfFile"),
        .greet,
        .startHeartbeat,
        .init(
          "pwrite(file, &byte, 1, 0)",
          "The message: one byte, to its two files in turn.",
          answers: "WriteFile"),
        .init(
          "read(fd, events, 4096)", "In a round trip: waits for the echo.", answers: "WaitForSingleObject"),
        .stopHeartbeat,
        .init(
          "close(first), close(second), close(fd)",
          "The watches end with their queue.",
          answers: "FindCloseChangeNotification"),
        .leaveMeeting,
      ],
      consumer: [
        .init("mkdir(directory, 0700)", "The harness makes it in the run's directory in /tmp."),
        .init(
          "open(path, O_CREAT | O_EXCL | O_RDWR | O_CLOEXEC, 0600), posix_fallocate(fd, 0, 1), close(fd)",
          "The harness makes four files: two that the producer writes to and two for the consumer.",
          answers: "CreateFile"),
        .init(
          "open(\"meeting\", O_CREAT | O_EXCL | …), posix_fallocate(fd, 0, 4096), close(fd)",
          "The harness makes the page on which the workers meet.",
          answers: "CreateFileMapping"),
        .init(
          "inotify_init1(IN_CLOEXEC)",
          "An event queue; IN_NONBLOCK in the spin form.",
          answers: "FindFirstChangeNotification"),
        .init(
          "inotify_add_watch(fd, \"producer.0\", IN_MODIFY), …(\"producer.1\")",
          "Watches both files of the producer.",
          answers: "FindFirstChangeNotification"),
        .init(
          "open(\"consumer.0\", O_RDWR | O_CLOEXEC), open(\"consumer.1\", …)",
          "What this side writes to.",
          answers: "CreateFile"),
        .init(
          "open(\"meeting\", O_RDWR | O_CLOEXEC), fstat(fd), mmap(…, MAP_SHARED, fd, 0), close(fd)",
          "Maps the page on which the workers meet.",
          answers: "OpenFileMapping, MapViewOfFile"),
        .greet,
        .startHeartbeat,
        .init(
          "read(fd, events, 4096)",
          "Sleeps until there are events, takes all that are there, and hands them out one by one. "
            + "IN_Q_OVERFLOW among them is an error.",
          answers: "WaitForSingleObject, FindNextChangeNotification"),
        .init("pwrite(file, &byte, 1, 0)", "In a round trip: the echo.", answers: "WriteFile"),
        .stopHeartbeat,
        .init(
          "close(first), close(second), close(fd)",
          "The watches end with their queue.",
          answers: "FindCloseChangeNotification"),
        .leaveMeeting,
        .init("unlink(file) for each file, rmdir(directory)", "The harness removes everything."),
      ],
      limits: [
        "A queue holds fs.inotify.max_queued_events events (16,384); after that they are lost and one "
          + "IN_Q_OVERFLOW says so.",
        "A user has at most fs.inotify.max_user_instances queues (128) and fs.inotify.max_user_watches "
          + "watches (8,192 to 1,048,576, by memory).",
        "Equal events in a row that nobody has read are merged into one.",
        "It sees no writes through mmap, and none that another host makes on a network file system "
          + "(inotify(7)).",
        "Directories are not watched with what is below them, and a file that is renamed keeps its watch.",
      ],
      useWhen: "Something else writes files already, and you want to know when: configuration, spool "
        + "directories, logs.",
      avoidWhen: "You may choose how to signal: an eventfd or a futex wakes faster, counts, and does "
        + "not touch a file system.")
  }
}
