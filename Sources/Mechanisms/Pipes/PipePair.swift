import IPCTransport
import LinuxIPC
import SystemPackage

/// Two one-way channels of descriptors, one for each direction, as pipes need them.
public struct PipePair: Sendable {
  var forth: PipeEnds
  var back: PipeEnds

  static func create(packets: Bool = false) throws(TransportError) -> PipePair {
    try explaining("create the pipes") { () throws(SystemError) in
      let forth = try PipeEnds.create(packets: packets)
      do throws(SystemError) {
        return PipePair(forth: forth, back: try PipeEnds.create(packets: packets))
      } catch {
        forth.close()
        throw error
      }
    }
  }

  /// What a program that was started with redirected streams has: its ends are 0 and 1, whichever side it is.
  static var standardStreams: PipePair {
    let ends = PipeEnds(read: FileDescriptor(rawValue: 0), write: FileDescriptor(rawValue: 1))
    return PipePair(forth: ends, back: ends)
  }

  func ends(of role: Role) -> Ends {
    role == .producer
      ? Ends(input: back.read, output: forth.write) : Ends(input: forth.read, output: back.write)
  }

  /// The descriptors of one side. The other side's ends must be closed in this process, or end-of-file never
  /// comes.
  func take(_ role: Role) -> Ends {
    let other = ends(of: role.peer)
    other.close()
    return ends(of: role)
  }

  func close() {
    forth.close()
    back.close()
  }
}
