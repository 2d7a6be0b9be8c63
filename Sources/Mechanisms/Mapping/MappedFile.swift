import IPCTransport
import LinuxIPC
import SystemPackage

/// A file mapped by both processes, with a zero-copy ring in it.
///
/// The counterpart of CreateFileMapping and MapViewOfFile: inherited, opened by a name, or by a handle that one
/// process has of the other's object. Without a file behind it (`:anonymous`) it has no name.
public enum MappedFile: ChannelProvider {
  private static func traits(_ attach: [Attach]) -> Traits {
    Traits(framing: .message, direction: .twoWay, reach: .host, attach: attach, payloadCopies: 0)
  }

  public static var mechanism: Mechanism {
    Mechanism(
      id: "mapped-file", summary: "a zero-copy ring in a mapped file", counterpart: "file mapping",
      variants: [
        .init("tmpfs", "a file in memory"),
        .init("disk", "a file on a disk, written back by the kernel"),
        .init(
          "anonymous", "a mapping without a file", traits: traits([.inherit, .handle, .scmRights])),
      ],
      traits: traits([.inherit, .name, .handle, .scmRights]), explanation: explanation,
      manPages: ["mmap(2)", "posix_fallocate(3)", "tmpfs(5)", "pidfd_getfd(2)", "unix(7)"])
  }

  public enum Channel: Sendable {
    case mapped(LinuxIPC.Mapping, path: String?)
    case file(path: String)
    /// The producer makes the object; the consumer gets a handle of it.
    case handle(Meeting.Place)
    /// The producer passes the object's descriptor over a socket on this path.
    case passed(path: String)
  }

  private static func root(_ variant: String) -> ResourceScope.Root { variant == "disk" ? .disk : .memory }

  public static func probe(_ spec: ChannelSpec) throws(TransportError) {
    if spec.attach == .handle, let obstacle = Handle.tracingObstacle {
      throw TransportError(.noPermission, "A handle cannot be taken from another process: \(obstacle).")
    }
    guard spec.variant != "anonymous" else { return }
    let directory = root(spec.variant).rawValue
    let kind = try explaining("look at \(directory)") { () throws(SystemError) in
      try FileSystemKind.of(directory)
    }
    if spec.variant == "disk" && kind == .memory {
      throw TransportError(
        .unavailable, "mapped-file:disk needs a disk: \(directory) is in memory on this machine.")
    }
    if spec.variant != "disk" && kind == .disk {
      throw TransportError(
        .unavailable, "mapped-file:tmpfs needs a tmpfs: mount one on \(directory).")
    }
  }

  public static func open(_ spec: ChannelSpec) throws(TransportError) -> Channel {
    switch spec.attach {
    case .handle:
      return try explaining("map a page for the handle's number") { () throws(SystemError) in
        .handle(try Meeting.Place.create(path: nil))
      }
    case .scmRights:
      return try explaining("name a socket") { () throws(SystemError) in
        .passed(path: try spec.scope.path(spec.name("passed.sock")))
      }
    case .inherit, .name:
      let (mapping, path) = try makeObject(spec) { descriptor throws(SystemError) in descriptor.closeQuietly()
      }
      guard spec.attach == .name, let path else { return .mapped(mapping, path: path) }
      mapping.unmap()
      return .file(path: path)
    }
  }

  /// Makes the object with an empty ring in it. `keep` gets its descriptor.
  private static func makeObject(
    _ spec: ChannelSpec, keep: (FileDescriptor) throws(SystemError) -> Void
  ) throws(TransportError) -> (LinuxIPC.Mapping, path: String?) {
    let layout = RingLayout(spec)
    let isAnonymous = spec.variant == "anonymous"
    let (mapping, path) = try explaining("create a mapped file") {
      () throws(SystemError) -> (LinuxIPC.Mapping, String?) in
      if isAnonymous && spec.attach == .inherit {
        return (try LinuxIPC.Mapping.anonymous(byteCount: layout.byteCount), nil)
      }
      let path = isAnonymous ? nil : try spec.scope.path(spec.name("mapped"), in: root(spec.variant))
      let descriptor =
        if let path {
          try SharedObject.createFile(path: path, byteCount: layout.byteCount)
        } else { try SharedObject.createMemfd(name: "ipcbench-mapped", byteCount: layout.byteCount) }
      let mapping = try LinuxIPC.Mapping.shared(descriptor, byteCount: layout.byteCount)
      try keep(descriptor)
      return (mapping, path)
    }
    do throws(TransportError) {
      try layout.create(in: mapping, spec)
    } catch {
      close(.mapped(mapping, path: path))
      throw error
    }
    return (mapping, path)
  }

  public static func address(of channel: Channel) -> String {
    if case .file(let path) = channel { path } else { "" }
  }

  public static func find(_ address: String, _ spec: ChannelSpec) throws(TransportError) -> Channel {
    .file(path: address)
  }

  public static func close(_ channel: Channel) {
    switch channel {
    case .mapped(let mapping, let path):
      mapping.unmap()
      if let path { SharedObject.removeFile(path: path) }
    case .file(let path), .passed(let path): SharedObject.removeFile(path: path)
    case .handle(let place): place.remove()
    }
  }

  public static func attach(
    _ channel: Channel, as role: Role, _ spec: ChannelSpec
  ) throws(TransportError) -> LinuxIPC.Mapping {
    switch channel {
    case .mapped(let mapping, _): return mapping
    case .file(let path):
      return try explaining("map \(path)") { () throws(SystemError) in
        try map(SharedObject.openFile(path: path), spec)
      }
    case .handle(let place): return try attachByHandle(place, role, spec)
    case .passed(let path): return try attachByMessage(path, role, spec)
    }
  }

  private static func map(_ descriptor: FileDescriptor, _ spec: ChannelSpec) throws(SystemError)
    -> LinuxIPC.Mapping
  {
    defer { descriptor.closeQuietly() }
    return try LinuxIPC.Mapping.shared(descriptor, byteCount: RingLayout(spec).byteCount)
  }

  /// The producer publishes its descriptor's number; the consumer duplicates it out of that process.
  private static func attachByHandle(
    _ place: Meeting.Place, _ role: Role, _ spec: ChannelSpec
  ) throws(TransportError) -> LinuxIPC.Mapping {
    let meeting = try explaining("meet the peer") { () throws(SystemError) in
      try Meeting(place, isFirst: role == .producer)
    }
    guard role == .producer else {
      return try explaining("take the producer's handle") { () throws(SystemError) in
        let pid = try meeting.greet()
        let number = Int32(truncatingIfNeeded: try meeting.awaitWord(0)) - 1
        let descriptor = try Handle.duplicate(number, of: pid)
        meeting.word(1).pointee.store(1, ordering: .releasing)
        return try map(descriptor, spec)
      }
    }
    Handle.allowTracing()
    let (mapping, path) = try makeObject(spec) { descriptor throws(SystemError) in
      meeting.word(0).pointee.store(UInt64(descriptor.rawValue) + 1, ordering: .releasing)
    }
    // From here on the object lives only by its handles.
    if let path { SharedObject.removeFile(path: path) }
    try explaining("wait for the consumer to take the handle") { () throws(SystemError) in
      _ = try meeting.greet()
      _ = try meeting.awaitWord(1)
    }
    return mapping
  }

  private static func attachByMessage(
    _ path: String, _ role: Role, _ spec: ChannelSpec
  ) throws(TransportError) -> LinuxIPC.Mapping {
    guard role == .producer else {
      return try explaining("receive the descriptor") { () throws(SystemError) in
        let socket = try UnixConnection.accept(.stream, path: path)
        defer { socket.close() }
        return try map(Handle.receive(over: socket), spec)
      }
    }
    var object: FileDescriptor?
    let (mapping, file) = try makeObject(spec) { descriptor throws(SystemError) in object = descriptor }
    // Only now: what is passed must hold a ring.
    try explaining("pass the descriptor") { () throws(SystemError) in
      let socket = try UnixConnection.connect(.stream, path: path)
      defer { socket.close() }
      if let object { try Handle.send(object, over: socket) }
      object?.closeQuietly()
    }
    if let file { SharedObject.removeFile(path: file) }
    return mapping
  }
}

extension MappedFile {
  static var explanation: Explanation {
    Explanation(
      "A file, or memory without one, that both processes map; the rings in it are those of shared-memory, "
        + "and so is the waiting. What is of interest here is how a process gets hold of the object: "
        + "inherited over a fork, opened by its path, taken out of the other process by the number of its "
        + "descriptor (handle), or received over a socket (scm-rights). The file is in memory (:tmpfs) or on "
        + "a disk, to which the kernel writes it back in its own time (:disk); :anonymous has no file, and "
        + "so no name.",
      producer: [
        .init(
          "prctl(PR_SET_PTRACER, PR_SET_PTRACER_ANY)",
          "handle only: lets the consumer take descriptors, where Yama forbids it."),
        .init(
          "open(path, O_CREAT | O_EXCL | O_RDWR | O_CLOEXEC, 0600)",
          "By inherit and name the harness, else the producer. :anonymous memfd_create(…), or nothing where "
            + "it is inherited.", answers: "CreateFile"),
        .init(
          "posix_fallocate(fd, 0, bytes)",
          "The size, with its blocks reserved; :anonymous ftruncate, and seals on its "
            + "size.", answers: "CreateFileMapping"),
        .init(
          "mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0)",
          "Maps the whole of it; inherited :anonymous with MAP_SHARED | MAP_ANONYMOUS and no "
            + "descriptor.", answers: "MapViewOfFile"),
        .init(
          "close(fd)",
          "By inherit and name: the mapping keeps the object. With name the harness unmaps it as well."),
        .init(
          "atomic_store(&page->handle, fd + 1)",
          "handle: tells the consumer the number, on a page that both have inherited."),
        .init(
          "socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0); connect(s, path)",
          "scm-rights: tried again every 0.5 ms, for 5 s at most, until the consumer listens."),
        .init(
          "sendmsg(s, {SCM_RIGHTS: fd}, MSG_NOSIGNAL); close(s); close(fd)",
          "scm-rights: the message holds the object until it is received.", answers: "DuplicateHandle"),
        .init(
          "memset(base, 0, bytes)",
          "Whoever has made the object: every page is there before the trial; then the rings' headers."),
        .init("unlink(path)", "handle and scm-rights: from here on the object lives by its handles alone."),
        .init(
          "open(path, O_RDWR | O_CLOEXEC); mmap(…); close(fd)",
          "name: the worker is told the path and nothing else.", answers: "OpenFileMapping"),
      ] + .ringProducer + [
        .init("_exit(0)", "The end of the process unmaps.", answers: "UnmapViewOfFile"),
        .init(
          "unlink(path)", "The harness, by inherit and name, after both have ended.", answers: "CloseHandle"),
      ],
      consumer: [
        .init(
          "open(path, O_RDWR | O_CLOEXEC)",
          "name: the worker is told the path and nothing else.", answers: "OpenFileMapping"),
        .init(
          "pidfd_open(producer, 0); pidfd_getfd(pidfd, number, 0)",
          "handle: a duplicate of the producer's descriptor, which must permit it as for "
            + "ptrace.", answers: "DuplicateHandle"),
        .init(
          "socket(…); bind(s, path); listen(s, 1); poll(s, 5 s); accept4(s)",
          "scm-rights: waits for the producer on a socket of AF_UNIX."),
        .init(
          "recvmsg(s, {SCM_RIGHTS: fd}, MSG_CMSG_CLOEXEC)",
          "scm-rights: the descriptor comes with a number of its own; the sockets are "
            + "closed.", answers: "DuplicateHandle"),
        .init(
          "mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0)",
          "Whichever way it came; a mapping inherited over the fork is there "
            + "already.", answers: "MapViewOfFile"),
        .init("close(fd)", "The mapping keeps the object.", answers: "CloseHandle"),
      ] + .ringConsumer + [
        .init("_exit(0)", "The end of the process unmaps.", answers: "UnmapViewOfFile"),
        .init("unlink(path)", "The harness, with scm-rights: removes the path of the socket."),
      ],
      limits: [
        "The size is fixed when the object is made; a file can still be cut short by whoever may write to "
          + "it, and touching what is missing is a SIGBUS. Only a memfd can be sealed against it "
          + "(F_SEAL_SHRINK).",
        "A view begins at a multiple of the page size, 4,096 bytes (64 KiB on Windows).",
        "Nothing here calls msync: what is on the disk after a crash is what the kernel has written back "
          + "(vm.dirty_expire_centisecs, 30 s by default).",
        "handle needs kernel.yama.ptrace_scope of 0 or 1 (2 for root), and processes of one user.",
        "tmpfs is /dev/shm and the disk is /var/tmp; posix_fallocate fails past RLIMIT_FSIZE and on a full "
          + "disk.",
      ],
      useWhen:
        "The shared state should outlive the processes, or be looked at with ordinary tools; or the memory "
        + "has to be handed to a process that must not find it by name (scm-rights).",
      avoidWhen:
        "You only want memory: shared-memory:memfd says the same without a path. On a disk, write-back "
        + "steals time from the trial now and then.")
  }
}
