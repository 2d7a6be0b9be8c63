import IPCTransport
import LinuxIPC
import SystemPackage

/// An anonymous pipe between two children, one for each direction; the parent is not in the path.
public enum Pipe: ChannelProvider {
  public static var mechanism: Mechanism {
    Mechanism(
      id: "pipe", summary: "an anonymous pipe each way", counterpart: "anonymous pipe",
      variants: [
        .init("", "write and read, between two children"),
        .init("stdio", "the children are programs that know only descriptors 0 and 1"),
        .init(
          "packet", "O_DIRECT: each write is a packet",
          traits: Traits(
            framing: .message, direction: .oneWay, reach: .processTree, payloadCopies: 2,
            minimumMessageByteCount: 1, maximumMessageByteCount: 4096)),
        .init(
          "splice", "pages of a memfd go into the pipe by reference",
          traits: Traits(framing: .byteStream, direction: .oneWay, reach: .processTree, payloadCopies: 1)),
      ],
      traits: Traits(framing: .byteStream, direction: .oneWay, reach: .processTree, payloadCopies: 2),
      explanation: explanation, manPages: ["pipe(7)", "pipe(2)", "splice(2)", "posix_spawn(3)"])
  }

  public static func open(_ spec: ChannelSpec) throws(TransportError) -> PipePair {
    try PipePair.create(packets: spec.variant == "packet")
  }

  public static func launch(_ channel: PipePair, _ role: Role, _ spec: ChannelSpec) -> Launch {
    guard spec.variant == "stdio" else { return .fork }
    let ends = channel.ends(of: role)
    return .spawn(address: "stdio", standardInput: ends.input, standardOutput: ends.output)
  }

  public static func find(_ address: String, _ spec: ChannelSpec) throws(TransportError) -> PipePair {
    PipePair.standardStreams
  }

  public static func relinquish(_ channel: PipePair) { channel.close() }
  /// The descriptors are gone since `relinquish`, and pipes have no names.
  public static func close(_ channel: PipePair) {}

  public static func attach(
    _ channel: PipePair, as role: Role, _ spec: ChannelSpec
  ) throws(TransportError) -> Ends {
    spec.variant == "stdio" ? channel.ends(of: role) : channel.take(role)
  }
}

extension Pipe {
  static var explanation: Explanation {
    Explanation(
      "A buffer of the kernel's with an end to write and an end to read; two of them, as each goes one way. "
        + "The harness makes them, starts both workers and closes its own ends, so that it is not in the "
        + "path. Messages go as a length of four bytes and the bytes themselves, written in one call; the "
        + "reader takes what is there and cuts it up. :stdio starts programs that know only their "
        + "descriptors 0 and 1; :packet keeps the boundaries of writes (O_DIRECT), so that no length is "
        + "sent; :splice fills the pipe with pages of a memfd by reference.",
      producer: [
        .init(
          "close(forth[0]); close(back[1])",
          "The consumer's ends: while anybody holds a writing end, the reader sees no end-of-file. Not in "
            + ":stdio, whose program has only its own.", answers: "CloseHandle"),
        .init(
          "memfd_create(…); ftruncate; fcntl(F_ADD_SEALS); mmap",
          ":splice: memory for messages, larger than all that the pipe can refer to (fcntl F_GETPIPE_SZ)."),
        .init(
          "fcntl(fd, F_SETFL, flags & ~O_NONBLOCK)", "Blocking form, both ends; the others set O_NONBLOCK."),
        .init(
          "write(forth[1], message, 4 + length)",
          "Sends: length and payload; sleeps while the pipe is full. :packet writes the payload "
            + "alone.", answers: "WriteFile"),
        .init(
          "splice(memfd, &offset, forth[1], NULL, 4 + length, 0)",
          ":splice, in place of write: nothing is copied here."),
        .init(
          "close(forth[1]); close(back[0])",
          "The end: the consumer reads what is left, and then 0 bytes.", answers: "CloseHandle"),
      ],
      consumer: [
        .init(
          "pipe2(fds, O_CLOEXEC)",
          "The harness, twice: forth and back. The workers inherit all four ends over the "
            + "fork.", answers: "CreatePipe"),
        .init("pipe2(fds, O_CLOEXEC | O_DIRECT)", "The harness, :packet: each write is a packet."),
        .init("fork()", "The harness, twice; the children inherit the ends.", answers: "CreateProcess"),
        .init(
          "posix_spawn(…, adddup2(fd, 0), adddup2(fd, 1))",
          "The harness, :stdio: the ends become descriptors 0 and 1, all others are closed on "
            + "exec.", answers: "CreateProcess, STARTUPINFO.hStdInput"),
        .init(
          "close(fd), for all four",
          "The harness, after starting both: else no side would see the other's "
            + "end.", answers: "CloseHandle"),
        .init("close(forth[1]); close(back[0])", "The worker: the producer's ends.", answers: "CloseHandle"),
        .init(
          "fcntl(fd, F_SETFL, flags & ~O_NONBLOCK)", "Blocking form, both ends; the others set O_NONBLOCK."),
        .init(
          "read(forth[0], buffer, room)",
          "Receives: whatever is there, 64 KiB or two messages at most; sleeps while the pipe is empty. "
            + ":packet reads one message.", answers: "ReadFile"),
        .init("poll(fd, POLLIN, 20 ms)", "spin-then-block: sleeps here when looking was in vain."),
        .init(
          "close(back[1]); close(forth[0])",
          "The end; a producer that still writes gets EPIPE. No name has to be "
            + "removed.", answers: "CloseHandle"),
      ],
      limits: [
        "A pipe holds 65,536 bytes (pipe(7)); F_SETPIPE_SZ could raise it to fs.pipe-max-size, 1 MiB by "
          + "default, and is not used here.",
        "Writes of up to PIPE_BUF, 4,096 bytes, are not interleaved with those of other writers; a :packet "
          + "has at most that much, and each takes one of the pipe's 16 pages.",
        "A user whose pipes hold more than fs.pipe-user-pages-soft pages (16,384) gets smaller ones.",
        "Reaches only processes that inherit the ends, or are passed them.",
        ":splice may write a page again only when as many slots were filled after it as the pipe has.",
      ],
      useWhen:
        "Parent and child, or two children, exchange a stream, and you want the end of one side to be seen "
        + "by the other without any work; or the other side is a program that only knows its standard "
        + "streams.",
      avoidWhen:
        "You need both directions in one object, boundaries of large messages, or a peer that is not a "
        + "relative: use unix-stream or unix-seqpacket.")
  }
}
