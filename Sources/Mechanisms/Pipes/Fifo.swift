import IPCTransport
import LinuxIPC
import SystemPackage

/// A pipe with a name in the file system, one for each direction; any process with permission may open it.
public enum Fifo: ChannelProvider {
  public static var mechanism: Mechanism {
    Mechanism(
      id: "fifo", summary: "a named pipe of the file system each way", counterpart: "named pipe",
      traits: Traits(
        framing: .byteStream, direction: .oneWay, reach: .host, attach: [.name], payloadCopies: 2),
      explanation: explanation, manPages: ["fifo(7)", "mkfifo(3)"])
  }

  /// The common part of both paths.
  public static func open(_ spec: ChannelSpec) throws(TransportError) -> String {
    try explaining("create the FIFOs") { () throws(SystemError) in
      let stem = try spec.scope.path(spec.name("fifo"))
      try NamedPipeFile.create(path: forth(stem))
      do throws(SystemError) {
        try NamedPipeFile.create(path: back(stem))
      } catch {
        SharedObject.removeFile(path: forth(stem))
        throw error
      }
      return stem
    }
  }

  private static func forth(_ stem: String) -> String { stem + ".forth" }
  private static func back(_ stem: String) -> String { stem + ".back" }

  public static func close(_ stem: String) {
    SharedObject.removeFile(path: forth(stem))
    SharedObject.removeFile(path: back(stem))
  }

  /// Opening a FIFO waits for the other side to open it too; both sides take the two in the same order.
  public static func attach(
    _ stem: String, as role: Role, _ spec: ChannelSpec
  ) throws(TransportError) -> Ends {
    try explaining("open the FIFOs at \(stem)") { () throws(SystemError) in
      switch role {
      case .producer:
        let output = try NamedPipeFile.openForWriting(path: forth(stem))
        return Ends(input: try NamedPipeFile.openForReading(path: back(stem)), output: output)
      case .consumer:
        let input = try NamedPipeFile.openForReading(path: forth(stem))
        return Ends(input: input, output: try NamedPipeFile.openForWriting(path: back(stem)))
      }
    }
  }
}

extension Fifo {
  static var explanation: Explanation {
    Explanation(
      "A pipe with a name in the file system; two of them, as each goes one way. Any process with permission "
        + "may open one, and opening waits until the other end is opened too, so that the two sides meet "
        + "without further ado. From then on everything is as with an anonymous pipe: bytes without "
        + "boundaries, here framed by a length of four bytes, and an end-of-file when the last writer has "
        + "closed.",
      producer: [
        .init(
          "open(\"….forth\", O_WRONLY | O_CLOEXEC)",
          "Waits until the consumer opens it to read.", answers: "CreateFile"),
        .init(
          "open(\"….back\", O_RDONLY | O_CLOEXEC)",
          "Both sides take the two in this order; else each would wait for the "
            + "other.", answers: "CreateFile"),
        .init("fcntl(fd, F_SETFL, flags & ~O_NONBLOCK)", "Blocking form, both; the others set O_NONBLOCK."),
        .init(
          "write(forth, message, 4 + length)",
          "Sends: length and payload; sleeps while the pipe is full.", answers: "WriteFile"),
        .init("poll(forth, POLLOUT, 20 ms)", "spin-then-block: sleeps here when trying was in vain."),
        .init(
          "close(forth); close(back)",
          "The end: the consumer reads what is left, and then 0 bytes.", answers: "CloseHandle"),
      ],
      consumer: [
        .init(
          "mkfifo(\"….forth\", 0600)",
          "The harness; a name that is taken is refused.", answers: "CreateNamedPipe"),
        .init("mkfifo(\"….back\", 0600)", "The harness: the other direction.", answers: "CreateNamedPipe"),
        .init(
          "open(\"….forth\", O_RDONLY | O_CLOEXEC)",
          "Waits until the producer opens it to write.", answers: "ConnectNamedPipe"),
        .init(
          "open(\"….back\", O_WRONLY | O_CLOEXEC)",
          "Waits until the producer opens it to read.", answers: "ConnectNamedPipe"),
        .init("fcntl(fd, F_SETFL, flags & ~O_NONBLOCK)", "Blocking form, both; the others set O_NONBLOCK."),
        .init(
          "read(forth, buffer, room)",
          "Receives: whatever is there, 64 KiB or two messages at most; sleeps while the pipe is "
            + "empty.", answers: "ReadFile"),
        .init("poll(forth, POLLIN, 20 ms)", "spin-then-block: sleeps here when looking was in vain."),
        .init(
          "close(back); close(forth)",
          "The end; a producer that still writes gets EPIPE.", answers: "DisconnectNamedPipe"),
        .init(
          "unlink(\"….forth\"); unlink(\"….back\")",
          "The harness, after both have ended: the names stay until somebody removes them."),
      ],
      limits: [
        "A FIFO holds 65,536 bytes (pipe(7)); fs.pipe-max-size and fs.pipe-user-pages-soft apply as to any "
          + "pipe.",
        "Several writers share one stream: only writes of up to PIPE_BUF, 4,096 bytes, stay whole, and the "
          + "reader cannot tell from whom they are.",
        "One way, no connections, no instances: a second client does not get a pipe of its own.",
        "open waits without a limit for the other side, and write without a reader is a SIGPIPE or EPIPE.",
        "The path may be as long as PATH_MAX, 4,096 bytes, not 107 as for a socket.",
      ],
      useWhen:
        "A shell script or an unrelated program shall read or write what it takes for a file, and one stream "
        + "each way is enough.",
      avoidWhen:
        "There are several clients, or answers have to find their way back to one of them: use named-pipe or "
        + "unix-stream.")
  }
}
