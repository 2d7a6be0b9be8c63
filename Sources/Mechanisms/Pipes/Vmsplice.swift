import IPCTransport
import LinuxIPC
import SystemPackage

/// A pipe into which the producer's own pages go by reference.
public enum Vmsplice: ChannelProvider {
  public static var mechanism: Mechanism {
    Mechanism(
      id: "vmsplice", summary: "a pipe each way, filled with the producer's pages by reference",
      traits: Traits(framing: .byteStream, direction: .oneWay, reach: .processTree, payloadCopies: 1),
      explanation: explanation, manPages: ["vmsplice(2)", "pipe(7)"])
  }

  public static func open(_ spec: ChannelSpec) throws(TransportError) -> PipePair { try PipePair.create() }
  public static func relinquish(_ channel: PipePair) { channel.close() }
  /// The descriptors are gone since `relinquish`, and pipes have no names.
  public static func close(_ channel: PipePair) {}

  public static func attach(
    _ channel: PipePair, as role: Role, _ spec: ChannelSpec
  ) throws(TransportError) -> Ends { channel.take(role) }
}

extension Vmsplice {
  static var explanation: Explanation {
    Explanation(
      "The pipes of the mechanism pipe, but the producer's own pages go into them by reference: vmsplice "
        + "makes the pipe point to the message, and the only copy is the reader's. Because the pages lie in "
        + "the pipe until they are read, messages are staged in a region that is larger than all that the "
        + "pipe can refer to, used round and round. The framing, a length of four bytes before each message, "
        + "is the same; so is the reader.",
      producer: [
        .init("close(forth[0]); close(back[1])", "The consumer's ends, which the fork has copied."),
        .init(
          "fcntl(forth[1], F_GETPIPE_SZ)",
          "How many pages the pipe can refer to; the region for messages is made larger."),
        .init(
          "fcntl(fd, F_SETFL, flags & ~O_NONBLOCK)", "Blocking form, both ends; spinning sets O_NONBLOCK."),
        .init(
          "vmsplice(forth[1], {message, 4 + length}, 1, 0)",
          "Sends: sleeps while the pipe has no free slot; spinning with SPLICE_F_NONBLOCK. No SPLICE_F_GIFT: "
            + "the pages stay the producer's."),
        .init(
          "close(forth[1]); close(back[0])", "The end: the consumer reads what is left, and then 0 bytes."),
      ],
      consumer: [
        .init(
          "pipe2(fds, O_CLOEXEC)",
          "The harness, twice: forth and back. The workers inherit all four ends over the fork."),
        .init("close(fd), for all four", "The harness, after the forks."),
        .init("close(forth[1]); close(back[0])", "The worker: the producer's ends."),
        .init(
          "fcntl(fd, F_SETFL, flags & ~O_NONBLOCK)", "Blocking form, both ends; spinning sets O_NONBLOCK."),
        .init(
          "read(forth[0], buffer, room)",
          "Receives: copies what is there out of the producer's pages, 64 KiB or two messages at most; "
            + "sleeps while the pipe is empty."),
        .init("close(back[1]); close(forth[0])", "The end; no name has to be removed."),
      ],
      limits: [
        "A pipe has 16 slots of a page or part of one (65,536 bytes, pipe(7)): of small messages it holds "
          + "16, of one that crosses a page two slots are taken.",
        "The kernel does not say when a page may be written again; who rewrites it too early changes a "
          + "message that was already sent.",
        "Each call looks up and pins the pages, which for small messages costs more than the copy of write.",
        "The reader copies: vmsplice out of a pipe into memory is a copy as well.",
        "One way, and only between processes that inherit the ends.",
      ],
      useWhen:
        "Large buffers that stay unchanged for a while go from a process into a pipe, and from there on by "
        + "splice or tee into a file or socket.",
      avoidWhen: "Messages are small, or their memory is reused at once: write is faster and safe.")
  }
}
