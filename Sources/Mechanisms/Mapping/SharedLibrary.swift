import Glibc
import IPCTransport
import LinuxIPC

/// A library that both processes load, with a zero-copy ring in data that it shares between them.
///
/// The counterpart of shared data in a DLL: what is shared is at the address of a symbol once the library is
/// loaded. Sources/SharedSection is that library.
public enum SharedLibrary: ChannelProvider {
  public static var mechanism: Mechanism {
    Mechanism(
      id: "shared-library", summary: "a zero-copy ring in the shared data of a library",
      counterpart: "shared data in a DLL",
      traits: Traits(
        framing: .message, direction: .twoWay, reach: .host, attach: [.name], payloadCopies: 0,
        maximumMessageByteCount: 1 << 20),
      explanation: explanation, manPages: ["dlopen(3)", "dlsym(3)", "mmap(2)", "fcntl(2)"])
  }

  public struct Channel: Sendable {
    /// The file whose pages are shared.
    let path: String
    /// As the parent has it loaded.
    let section: SharedSection?
  }

  public static func probe(_ spec: ChannelSpec) throws(TransportError) {
    try SharedSection.load(from: SharedSection.libraryPath, sharing: nil).unload()
  }

  /// The parent is the first loader.
  public static func open(_ spec: ChannelSpec) throws(TransportError) -> Channel {
    let layout = RingLayout(spec)
    let path = try explaining("name the library's segment") { () throws(SystemError) in
      try spec.scope.path(spec.name("section"), in: .memory)
    }
    let section = try SharedSection.load(from: SharedSection.libraryPath, sharing: path)
    let channel = Channel(path: path, section: section)
    do throws(TransportError) {
      try layout.create(in: section.memory(layout), spec)
    } catch {
      close(channel)
      throw error
    }
    return channel
  }

  public static func address(of channel: Channel) -> String { channel.path }
  public static func find(_ address: String, _ spec: ChannelSpec) throws(TransportError) -> Channel {
    Channel(path: address, section: nil)
  }

  public static func attach(
    _ channel: Channel, as role: Role, _ spec: ChannelSpec
  ) throws(TransportError) -> LinuxIPC.Mapping {
    let section = try SharedSection.load(from: SharedSection.libraryPath, sharing: channel.path)
    return try section.memory(RingLayout(spec))
  }

  /// Unloading removes the file, unless somebody else has the library loaded; the name goes in any case.
  public static func close(_ channel: Channel) {
    channel.section?.unload()
    SharedObject.removeFile(path: channel.path)
  }
}

/// The library as this process has it loaded. Its symbols are those of SharedSection.h, which cannot be
/// imported: that would link it.
struct SharedSection: Sendable {
  private let library: DynamicLibrary

  static var variable: String { "IPCBENCH_SHARED_SECTION" }
  static var fileName: String { "libipcbench-shared-section.so" }

  static var libraryPath: String { Program.companion(fileName) }

  /// Loads the library with the pages of a file as its shared data, or with data of this process's own.
  static func load(
    from libraryPath: String, sharing path: String?
  ) throws(TransportError) -> SharedSection {
    guard access(libraryPath, R_OK) == 0 else {
      throw TransportError(
        .unavailable,
        "The library \(libraryPath) is missing: build it with 'swift build', beside the program.")
    }
    if let path { setenv(variable, path, 1) } else { unsetenv(variable) }
    // Programs that this one starts choose for themselves.
    defer { unsetenv(variable) }
    guard let library = DynamicLibrary(libraryPath) else {
      throw TransportError(
        .unavailable, "The library cannot be loaded (\(DynamicLibrary.lastFault)): build it again.")
    }
    let section = SharedSection(library: library)
    if let fault = section.fault(sharing: path ?? "") {
      section.unload()
      throw fault
    }
    return section
  }

  func unload() { library.close() }

  /// Room for the rings, at the symbol's address.
  func memory(_ layout: RingLayout) throws(TransportError) -> LinuxIPC.Mapping {
    let available = Int(word("ipcbench_section_memory_size", as: UInt64.self))
    guard layout.byteCount <= available, let base = library.variable("ipcbench_section_memory") else {
      throw TransportError(
        .messageTooLarge,
        "Rings of \(layout.byteCount) bytes do not fit into the \(available) bytes of the library's "
          + "section: use smaller messages.")
    }
    return LinuxIPC.Mapping(base: base, byteCount: layout.byteCount)
  }

  // MARK: What the library says of itself

  /// `enum ipcbench_section_status`.
  enum Status: Int32 {
    case ownData, first, joined, failed, notOurs, resized, locked, badPath, pageSize
  }

  /// Nil where the data are those of the file, or this process's own where none is named.
  func fault(sharing path: String) -> TransportError? {
    guard let status = Status(rawValue: word("ipcbench_section_status", as: Int32.self)) else {
      return TransportError(.unavailable, "The library is of another version: build the whole package again.")
    }
    let call = SystemError(
      text(word("ipcbench_section_call", as: UnsafePointer<CChar>?.self)), path,
      errno: .init(rawValue: word("ipcbench_section_errno", as: Int32.self)))
    if let fault = Self.fault(status, path, call) { return fault }
    let mapped = text(library.variable("ipcbench_section_path")?.assumingMemoryBound(to: CChar.self))
    guard mapped == path else {
      return TransportError(
        .unsupported,
        "The library is loaded already, with \(mapped.isEmpty ? "data of this process's own" : mapped): "
          + "unload it first.")
    }
    return nil
  }

  /// Nil where the section can be used.
  static func fault(_ status: Status, _ path: String, _ call: SystemError) -> TransportError? {
    switch status {
    case .ownData, .first, .joined: nil
    case .failed: TransportError(call, doing: "share the library's section")
    case .notOurs:
      TransportError(
        .system,
        "The file \(path) is not a section of this version of the library, and is left alone: remove it "
          + "if it is not needed.")
    case .resized:
      TransportError(
        .system, "The section \(path) changed its size while in use: end the programs that have it loaded.")
    case .locked:
      TransportError(
        .system, "The section \(path) is kept locked by another process: end the one that 'lslocks' shows.")
    case .badPath:
      TransportError(.unsupported, "'\(path)' cannot name a section: use an absolute path that is shorter.")
    case .pageSize:
      TransportError(
        .unavailable, "The library's section needs a kernel with pages of 4 KiB: this one has larger ones.")
    }
  }

  private func word<Value: BitwiseCopyable>(_ name: String, as type: Value.Type) -> Value {
    guard let address = library.variable(name) else { fatalError("\(name) is missing") }
    return address.load(as: type)
  }

  private func text(_ address: UnsafePointer<CChar>?) -> String { address.map { String(cString: $0) } ?? "" }
}

extension SharedLibrary {
  static var explanation: Explanation {
    Explanation(
      "A library with a section of data that all processes which have it loaded share, at the address "
        + "of a symbol: nothing has to be opened or mapped by the program. Windows is told so when the "
        + "DLL is linked; the dynamic loader of Linux gives every process private pages, so that here "
        + "the library's constructor maps a file of /dev/shm over the section. The first loader fills "
        + "the file with the section's initial values; a lock on it, held for as long as the library is "
        + "loaded, says who is first and who is last. The library's other variables stay private. The "
        + "memory synchronises nothing; the rings in it are those of shared-memory, and so is the "
        + "waiting.",
      producer: [
        .init(
          "setenv(\"IPCBENCH_SHARED_SECTION\", path, 1)",
          "The worker is told the path and nothing else; Windows has one section for all who load the "
            + "DLL, here a path makes one."),
        .init(
          "dlopen(\".../libipcbench-shared-section.so\", RTLD_NOW | RTLD_LOCAL)",
          "From the folder of /proc/self/exe. The constructor runs before it returns: all calls up to "
            + "dlsym.",
          answers: "LoadLibrary"),
        .init(
          "open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600)",
          "The descriptor stays open: the lock is its."),
        .init(
          "fcntl(fd, F_OFD_SETLK, {F_WRLCK}); fcntl(fd, F_OFD_SETLK, {F_RDLCK})",
          "The exclusive lock is refused, since the harness has the library loaded: this is not the "
            + "first loader."
        ),
        .init(
          "fstat(fd, …); lstat(path, …); pread(fd, …)",
          "The file still has its name, else it starts again; it has the size and the magic number of a "
            + "section."
        ),
        .init(
          "mmap(ipcbench_section_memory, 17 MiB, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_FIXED, fd, 4096)",
          "Over the pages of the zero part, and with offset 0 over those of the initialised one.",
          answers: "#pragma data_seg(\".shared\"), /SECTION:.shared,RWS"),
        .init(
          "dlsym(library, \"ipcbench_section_memory\")",
          "The rings are at the symbol's address, which is another "
            + "one in each process.", answers: "GetProcAddress"),
      ] + .ringProducer + [
        .init(
          "_exit(0)",
          "The end of the process unmaps and unlocks; its destructors do not run.", answers: "FreeLibrary")
      ],
      consumer: [
        .init(
          "setenv(\"IPCBENCH_SHARED_SECTION\", path, 1); dlopen(…)",
          "The harness, as the first loader.", answers: "LoadLibrary"),
        .init(
          "open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600)",
          "The constructor, in the harness: makes the file, or finds one that a killed process left."),
        .init(
          "fcntl(fd, F_OFD_SETLK, {F_WRLCK})",
          "The exclusive lock is granted: nobody else has the library loaded."),
        .init(
          "ftruncate(fd, 0); pwrite(fd, &ipcbench_section, 4096, 0); posix_fallocate(fd, 0, bytes)",
          "Seeds the file from the image; the rest is zero.", answers: "initialised data of the section"),
        .init(
          "fcntl(fd, F_OFD_SETLK, {F_RDLCK})",
          "Weakens the lock without letting go of it: others may join from now on."),
        .init(
          "mmap(…, MAP_SHARED | MAP_FIXED, fd, …)",
          "Twice, as in the producer.", answers: "#pragma data_seg(\".shared\"), /SECTION:.shared,RWS"),
        .init(
          "dlsym(library, \"ipcbench_section_memory\"); memset(memory, 0, bytes)",
          "The harness: every page is there before the trial; then the headers of both rings.",
          answers: "GetProcAddress"),
        .init(
          "setenv(…); dlopen(…); dlsym(…)",
          "The worker: loads the library by itself, as the producer does.",
          answers: "LoadLibrary, GetProcAddress"),
      ] + .ringConsumer + [
        .init("_exit(0)", "The end of the process unmaps and unlocks.", answers: "FreeLibrary"),
        .init(
          "dlclose(library)",
          "The harness, after both have ended: the destructor runs, and what was mapped is unmapped.",
          answers: "FreeLibrary"),
        .init(
          "fcntl(fd, F_OFD_SETLK, {F_UNLCK}); fcntl(fd, F_OFD_SETLK, {F_WRLCK}); unlink(path)",
          "The destructor, in the harness: it gets the exclusive lock, so it is the last and removes "
            + "the name; the harness does so too, for whatever may have kept it."),
      ],
      limits: [
        "The section's size is that of the symbols, fixed when the library is built: 17 MiB here, which "
          + "is room for the rings of messages of up to 1 MiB.",
        "Pointers in the section mean nothing to others: each process has the library at an address of "
          + "its own.",
        "Nothing but its size, a magic number and a version says that a file is a section; a process "
          + "that maps it without the library is not noticed.",
        "A process that is killed, or ends with _exit, runs no destructor: the file stays until the "
          + "next loader or the harness removes it, but is seeded anew before anybody sees it again.",
        "A child of fork shares its parent's lock: the section lasts until it has ended too.",
        "/dev/shm is a tmpfs of half the memory by default, of 64 MiB in many containers.",
      ],
      useWhen:
        "The processes use one library anyway, and it has state that they should have in common (a "
        + "counter, a table, a ring) without their programs knowing about it.",
      avoidWhen:
        "You can change the programs: shared-memory does the same without a constructor that has to be "
        + "trusted, sizes the memory at run time, and says in the code that memory is shared.")
  }
}
