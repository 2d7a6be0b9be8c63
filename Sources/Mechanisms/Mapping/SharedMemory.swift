import IPCTransport
import LinuxIPC
import SystemPackage

/// Shared memory created by one process and opened by the other, with a zero-copy ring in it.
///
/// The memory supplies no synchronisation of its own; the ring on top does, by the wait strategy.
public enum SharedMemory: ChannelProvider {
  private static func traits(_ attach: [Attach]) -> Traits {
    Traits(framing: .message, direction: .twoWay, reach: .host, attach: attach, payloadCopies: 0)
  }

  public static var mechanism: Mechanism {
    Mechanism(
      id: "shared-memory", summary: "a zero-copy ring in shared memory", counterpart: "shared memory",
      variants: [
        .init("posix", "shm_open, found by name"),
        .init("memfd", "memfd_create, unnamed, size sealed", traits: traits([.inherit])),
        .init("sysv", "shmget, found by key"),
        .init("huge", "memfd_create, in pages of 2 MiB", traits: traits([.inherit])),
      ],
      traits: traits([.inherit, .name]), explanation: explanation,
      manPages: ["shm_overview(7)", "memfd_create(2)", "sysvipc(7)", "futex(2)", "madvise(2)"])
  }

  /// Where the memory is.
  public enum Channel: Sendable {
    case mapped(LinuxIPC.Mapping)
    case posix(name: String)
    case systemV(LinuxIPC.Mapping, SystemVSegment)
    case systemVKey(Int32, SystemVSegment)
  }

  public static func probe(_ spec: ChannelSpec) throws(TransportError) {
    guard spec.variant == "huge" else { return }
    do throws(TransportError) {
      close(.mapped(try HugePages.map(byteCount: HugePages.size)))
    } catch {
      throw TransportError(
        .unavailable,
        "shared-memory:huge needs pages of 2 MiB: reserve some with 'sysctl vm.nr_hugepages=64', or use Linux 6.1 "
          + "or later with transparent huge pages.")
    }
  }

  public static func open(_ spec: ChannelSpec) throws(TransportError) -> Channel {
    let layout = RingLayout(spec)
    switch spec.variant {
    case "memfd": return try openMemfd(layout, spec)
    case "huge":
      let mapping = try HugePages.map(byteCount: layout.byteCount)
      try layout.create(in: mapping, spec)
      return .mapped(mapping)
    case "sysv": return try openSystemV(layout, spec)
    default: return try openPosix(layout, spec)
    }
  }

  private static func openPosix(_ layout: RingLayout, _ spec: ChannelSpec) throws(TransportError) -> Channel {
    let name = spec.scope.objectName(spec.name("ring"))
    let mapping = try explaining("create the shared-memory object \(name)") { () throws(SystemError) in
      let descriptor = try SharedObject.createPosix(name: name, byteCount: layout.byteCount)
      defer { descriptor.closeQuietly() }
      return try LinuxIPC.Mapping.shared(descriptor, byteCount: layout.byteCount)
    }
    do throws(TransportError) {
      try layout.create(in: mapping, spec)
    } catch {
      SharedObject.unlinkPosix(name: name)
      throw error
    }
    if spec.attach == .name {
      // The workers get nothing but the name.
      mapping.unmap()
      return .posix(name: name)
    }
    SharedObject.unlinkPosix(name: name)
    return .mapped(mapping)
  }

  private static func openMemfd(_ layout: RingLayout, _ spec: ChannelSpec) throws(TransportError) -> Channel {
    let mapping = try explaining("create a memfd") { () throws(SystemError) in
      let descriptor = try SharedObject.createMemfd(name: "ipcbench-ring", byteCount: layout.byteCount)
      defer { descriptor.closeQuietly() }
      return try LinuxIPC.Mapping.shared(descriptor, byteCount: layout.byteCount)
    }
    try layout.create(in: mapping, spec)
    return .mapped(mapping)
  }

  private static func openSystemV(
    _ layout: RingLayout, _ spec: ChannelSpec
  ) throws(TransportError) -> Channel {
    let key = SystemVKey.make(spec)
    let segment = try explaining("create a System V segment with key \(key)") { () throws(SystemError) in
      try SystemVSegment.create(key: key, byteCount: layout.byteCount)
    }
    do throws(TransportError) {
      let mapping = try explaining("attach the System V segment") { () throws(SystemError) in
        try segment.attach(byteCount: layout.byteCount)
      }
      try layout.create(in: mapping, spec)
      guard spec.attach == .name else { return .systemV(mapping, segment) }
      SystemVSegment.detach(mapping)
      return .systemVKey(key, segment)
    } catch {
      segment.remove()
      throw error
    }
  }

  public static func address(of channel: Channel) -> String {
    switch channel {
    case .posix(let name): "posix \(name)"
    case .systemVKey(let key, _): "sysv \(key)"
    case .mapped, .systemV: ""
    }
  }

  public static func find(_ address: String, _ spec: ChannelSpec) throws(TransportError) -> Channel {
    let words = address.split(separator: " ").map(String.init)
    if words.count == 2, words[0] == "posix" { return .posix(name: words[1]) }
    if words.count == 2, words[0] == "sysv", let key = Int32(words[1]) {
      return try explaining("find the System V segment with key \(key)") { () throws(SystemError) in
        .systemVKey(key, try SystemVSegment.find(key: key))
      }
    }
    throw TransportError(.unsupported, "'\(address)' does not name a shared-memory object.")
  }

  public static func close(_ channel: Channel) {
    switch channel {
    case .mapped(let mapping): mapping.unmap()
    case .posix(let name): SharedObject.unlinkPosix(name: name)
    case .systemV(let mapping, let segment):
      SystemVSegment.detach(mapping)
      segment.remove()
    case .systemVKey(_, let segment): segment.remove()
    }
  }

  public static func removeLeftovers() { SystemVKey.removeLeftoverSegments() }

  public static func attach(
    _ channel: Channel, as role: Role, _ spec: ChannelSpec
  ) throws(TransportError) -> LinuxIPC.Mapping {
    let byteCount = RingLayout(spec).byteCount
    switch channel {
    case .mapped(let mapping):
      if spec.variant == "huge" { HugePages.remap(mapping) }
      return mapping
    case .systemV(let mapping, _): return mapping
    case .posix(let name):
      return try explaining("open the shared-memory object \(name)") { () throws(SystemError) in
        let descriptor = try SharedObject.openPosix(name: name)
        defer { descriptor.closeQuietly() }
        return try LinuxIPC.Mapping.shared(descriptor, byteCount: byteCount)
      }
    case .systemVKey(_, let segment):
      return try explaining("attach the System V segment") { () throws(SystemError) in
        try segment.attach(byteCount: byteCount)
      }
    }
  }
}

/// Pages of 2 MiB: from the reserved pool where it has enough, else ordinary pages that the kernel is asked to
/// put together (MADV_COLLAPSE, which needs no system setting).
enum HugePages {
  static var size: Int { 2 << 20 }

  static func map(byteCount: Int) throws(TransportError) -> LinuxIPC.Mapping {
    let rounded = (byteCount + size - 1) / size * size
    if let reserved = try? mapReserved(rounded) { return reserved }
    return try explaining("map \(rounded) bytes in huge pages") { () throws(SystemError) in
      let descriptor = try SharedObject.createMemfd(name: "ipcbench-huge", byteCount: rounded)
      defer { descriptor.closeQuietly() }
      let mapping = try LinuxIPC.Mapping.aligned(descriptor, byteCount: rounded, alignment: size)
      mapping.populate()
      do throws(SystemError) {
        try mapping.collapse()
      } catch {
        mapping.unmap()
        throw error
      }
      return mapping
    }
  }

  /// An empty pool fails here, at mmap; a pool that is too small is noticed there too.
  private static func mapReserved(_ byteCount: Int) throws(SystemError) -> LinuxIPC.Mapping {
    let descriptor = try SharedObject.createHugeMemfd(name: "ipcbench-huge", byteCount: byteCount)
    defer { descriptor.closeQuietly() }
    return try LinuxIPC.Mapping.shared(descriptor, byteCount: byteCount)
  }

  /// In a worker: its page tables start empty, and are filled with huge entries at once.
  static func remap(_ mapping: LinuxIPC.Mapping) { try? mapping.collapse() }
}

extension SharedMemory {
  static var explanation: Explanation {
    Explanation(
      "Pages that both processes have mapped, with two rings in them, one for each direction: a message is "
        + "written where it is read, and never copied. The memory synchronises nothing; the ring publishes "
        + "each slot with a store, and a side waits by looking (spin, yield), or on a futex after it has "
        + "announced that it sleeps. The object is a POSIX one with a name (:posix), an unnamed one of "
        + "sealed size (:memfd), a System V segment found by key (:sysv), or made of 2 MiB pages (:huge).",
      producer: [
        .init(
          "shm_open(name, O_RDWR | O_CLOEXEC, 0)",
          "--attach name: opens the object, told nothing but its name; :sysv shmget(key, 0, 0). Inherited "
            + "memory is there after the fork.", answers: "OpenFileMapping"),
        .init(
          "mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0)",
          "Maps it; :sysv shmat(id, NULL, 0). :huge calls madvise(MADV_COLLAPSE) on what it has "
            + "inherited.", answers: "MapViewOfFile"),
        .init("close(fd)", "The mapping keeps the object."),
      ] + .ringProducer + [
        .init(
          "_exit(0)", "The end of the process unmaps; no worker calls munmap.", answers: "UnmapViewOfFile")
      ],
      consumer: [
        .init(
          "shm_open(name, O_CREAT | O_EXCL | O_RDWR | O_CLOEXEC, 0600)",
          "The harness, in the server's place; a name that is taken is refused. :memfd and :huge "
            + "memfd_create(…), :sysv shmget(key, bytes, IPC_CREAT | IPC_EXCL | "
            + "0600).", answers: "CreateFileMapping"),
        .init(
          "ftruncate(fd, bytes)",
          "The harness: the size, once and for all; :memfd seals it with fcntl(fd, F_ADD_SEALS, "
            + "F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL)."),
        .init(
          "mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0)",
          "The harness, and close(fd) after it; :sysv shmat(id, NULL, 0).", answers: "MapViewOfFile"),
        .init(
          "madvise(base, bytes, MADV_COLLAPSE)",
          "The harness, :huge without reserved pages only: puts ordinary pages together, mapped at an "
            + "aligned address and written once."),
        .init(
          "memset(base, 0, bytes)",
          "The harness: every page is there before the trial; then the headers of both rings."),
        .init(
          "shm_unlink(name)",
          "The harness, where the workers inherit the mapping: the name has served. With --attach name it "
            + "unmaps instead, and the name stays."),
        .init(
          "shm_open(name, O_RDWR | O_CLOEXEC, 0); mmap(…); close(fd)",
          "The worker, with --attach name: as the producer does.", answers: "OpenFileMapping"),
      ] + .ringConsumer + [
        .init("_exit(0)", "The end of the process unmaps.", answers: "UnmapViewOfFile"),
        .init(
          "shm_unlink(name)",
          "The harness, after both have ended: removes the name; :sysv shmctl(id, IPC_RMID, "
            + "NULL).", answers: "CloseHandle"),
      ],
      limits: [
        "POSIX objects are files of /dev/shm, a tmpfs of half the memory by default (tmpfs(5)), of 64 MiB in "
          + "many containers; ftruncate reserves nothing, and touching a page for which there is no room is "
          + "a SIGBUS.",
        "System V segments are limited by kernel.shmmax, kernel.shmall and kernel.shmmni (4,096 segments).",
        ":huge takes pages of 2 MiB from the pool of vm.nr_hugepages, or needs Linux 6.1 for MADV_COLLAPSE.",
        "A ring is for one producer and one consumer, and has a fixed number of slots of one size; a fan-in and a fan-out "
          + "have one ring of another kind, one way.",
        "Nothing of the kernel's says that a peer has died: its pid has to be watched.",
      ],
      useWhen:
        "Both sides are on one machine and the copy or the system call of every other mechanism is what you "
        + "pay for, or you want latencies below a microsecond and have a CPU to spin on.",
      avoidWhen:
        "Messages are rare, so that both sides sleep most of the time: then the wake-up dominates, and a "
        + "socket costs about the same and cleans up after itself. Or the sides do not trust each other "
        + "with their memory.")
  }
}
