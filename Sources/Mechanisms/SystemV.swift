import IPCTransport
import LinuxIPC

/// Keys of this suite's System V objects: the kernel shows them to everybody, so that they say whose they are.
enum SystemVKey {
  /// The two high bytes of every key: "IB".
  private static var mark: UInt32 { 0x4942_0000 }

  /// - Parameter part: distinguishes the objects of one channel.
  static func make(_ spec: ChannelSpec, part: Int = 0) -> Int32 {
    let number = Int(spec.scope.pid) &* 31 &+ spec.serial &* 2 &+ part
    return Int32(bitPattern: mark | UInt32(truncatingIfNeeded: number) & 0xFFFF)
  }

  /// Splits an address into a key and what follows it.
  static func parse(_ address: String) throws(TransportError) -> (key: Int32, rest: String) {
    let parts = address.split(separator: " ", maxSplits: 1).map(String.init)
    guard parts.count == 2, let key = Int32(parts[0]) else {
      throw TransportError(.unsupported, "'\(address)' does not begin with a key.")
    }
    return (key, parts[1])
  }

  /// Segments of ours whose creator is gone and that nobody has attached.
  static func removeLeftoverSegments() {
    for entry in SystemVSegment.all() {
      let isOurs = UInt32(bitPattern: entry.key) & 0xFFFF_0000 == mark
      if isOurs && entry.attachments == 0 && Processes.startTime(of: entry.creator) == nil {
        entry.segment.remove()
      }
    }
  }
}
