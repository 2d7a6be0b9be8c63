import IPCTransport
import LinuxIPC
import SystemPackage

/// The descriptors of one worker, as mechanisms that the kernel moves data for hand them over.
public struct Ends: Sendable {
  /// May be the same descriptor. Whoever gets the ends owns them.
  public var input: FileDescriptor
  public var output: FileDescriptor
  /// Where the kernel does not report the peer's end.
  public var meeting: Meeting?
  public var facts: TransportFacts
  /// What remains to be done at the end, when they are closed.
  var atEnd: (@Sendable () -> Void)?

  public init(
    input: FileDescriptor, output: FileDescriptor, meeting: Meeting? = nil,
    facts: TransportFacts = TransportFacts()
  ) {
    self.input = input
    self.output = output
    self.meeting = meeting
    self.facts = facts
  }

  public init(_ socket: Socket, meeting: Meeting? = nil) {
    self.init(input: socket.descriptor, output: socket.descriptor, meeting: meeting)
  }

  func setNonBlocking(_ enabled: Bool) throws(TransportError) {
    try explaining("set the descriptors' blocking mode") { () throws(SystemError) in
      try input.setNonBlocking(enabled)
      try output.setNonBlocking(enabled)
    }
  }

  func close() {
    output.closeQuietly()
    if input != output { input.closeQuietly() }
    atEnd?()
  }
}
