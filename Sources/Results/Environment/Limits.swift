extension Environment {
  /// Soft limits of the process and limits of the system that mechanisms run into; nil also means unlimited
  /// where `…Unlimited` says so.
  public struct Limits: Codable, Sendable, Equatable {
    public var lockedMemory: Limit?
    public var openFiles: Limit?
    public var messageQueueBytes: Limit?
    public var stackBytes: Limit?
    public var fileBytes: Limit?
    public var processes: Limit?
    /// Largest pipe an unprivileged process may ask for, in bytes.
    public var pipeMaximumBytes: Int?
    /// Messages and bytes per message of a POSIX queue.
    public var posixQueueMessages: Int?
    public var posixQueueMessageBytes: Int?
    /// Bytes per message and per queue of a System V queue.
    public var systemVMessageBytes: Int?
    public var systemVQueueBytes: Int?
    /// Largest System V segment in bytes, and all segments together in pages; as text, because the kernel's
    /// default exceeds a signed 64-bit number.
    public var systemVSegmentBytes: String?
    public var systemVTotalPages: String?
    /// `SEMMSL SEMMNS SEMOPM SEMMNI`
    public var systemVSemaphores: String?
    /// Largest socket buffers that may be asked for, in bytes.
    public var socketSendMaximumBytes: Int?
    public var socketReceiveMaximumBytes: Int?
    /// Datagrams that may wait at a Unix socket.
    public var unixDatagramQueue: Int?

    public init() {}
  }

  /// A limit of the process.
  public struct Limit: Codable, Sendable, Equatable {
    /// Nil when there is no limit.
    public var soft: Int?
    public var unlimited: Bool

    public init(_ soft: Int?) {
      self.soft = soft
      unlimited = soft == nil
    }
  }
}

extension Environment.Limits {
  init(reading files: SystemFiles) {
    let lines = files.lines("proc/self/limits") ?? []
    lockedMemory = Self.limit("Max locked memory", lines)
    openFiles = Self.limit("Max open files", lines)
    messageQueueBytes = Self.limit("Max msgqueue size", lines)
    stackBytes = Self.limit("Max stack size", lines)
    fileBytes = Self.limit("Max file size", lines)
    processes = Self.limit("Max processes", lines)
    pipeMaximumBytes = files.integer("proc/sys/fs/pipe-max-size")
    posixQueueMessages = files.integer("proc/sys/fs/mqueue/msg_max")
    posixQueueMessageBytes = files.integer("proc/sys/fs/mqueue/msgsize_max")
    systemVMessageBytes = files.integer("proc/sys/kernel/msgmax")
    systemVQueueBytes = files.integer("proc/sys/kernel/msgmnb")
    systemVSegmentBytes = files.text("proc/sys/kernel/shmmax")
    systemVTotalPages = files.text("proc/sys/kernel/shmall")
    systemVSemaphores = files.text("proc/sys/kernel/sem").map { text in
      text.split(whereSeparator: \.isWhitespace).joined(separator: " ")
    }
    socketSendMaximumBytes = files.integer("proc/sys/net/core/wmem_max")
    socketReceiveMaximumBytes = files.integer("proc/sys/net/core/rmem_max")
    unixDatagramQueue = files.integer("proc/sys/net/unix/max_dgram_qlen")
  }

  /// From `Max open files            1024                 4096                 files`.
  private static func limit(_ name: String, _ lines: [Substring]) -> Environment.Limit? {
    guard let line = lines.first(where: { $0.hasPrefix(name) }),
      let soft = line.dropFirst(name.count).split(separator: " ").first
    else { return nil }
    if soft == "unlimited" { return Environment.Limit(nil) }
    return Int(soft).map { Environment.Limit($0) }
  }
}
