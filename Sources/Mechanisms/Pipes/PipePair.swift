import IPCTransport
import LinuxIPC
import SystemPackage

/// Two one-way channels of descriptors, one for each direction, as pipes and FIFOs need them.
public struct PipePair: Sendable {
  var forth: PipeEnds
  var back: PipeEnds

  /// The descriptors of one side. The other side's ends must be closed in this process, or end-of-file never
  /// comes.
  func take(_ role: Role) -> (input: FileDescriptor, output: FileDescriptor) {
    switch role {
    case .producer:
      forth.read.closeQuietly()
      back.write.closeQuietly()
      return (back.read, forth.write)
    case .consumer:
      forth.write.closeQuietly()
      back.read.closeQuietly()
      return (forth.read, back.write)
    }
  }

  func close() {
    forth.close()
    back.close()
  }
}
