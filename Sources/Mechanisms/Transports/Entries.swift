import IPCTransport
import LinuxIPC
import Measurement

/// Entries for the usual exchanges, so that the registry has one line for a mechanism. Forms that are added are
/// for variants whose exchange is another one.
extension MechanismEntry {
  /// A ring in memory that the provider maps, in every wait strategy.
  @inlinable @inline(__always)
  static func ring<P: ChannelProvider>(_ provider: P.Type) -> MechanismEntry
  where P.Attachment == LinuxIPC.Mapping {
    MechanismEntry(
      .of(provider, Ring<Spin>.self), .of(provider, Ring<Yield>.self), .of(provider, Ring<Block>.self),
      .of(provider, Ring<SpinThenBlock>.self))
  }

  /// Bytes over descriptors, in every wait strategy.
  @inlinable @inline(__always)
  static func byteStream<P: ChannelProvider>(_ provider: P.Type, _ others: Form...) -> MechanismEntry
  where P.Attachment == Ends {
    MechanismEntry(
      forms: [
        .of(provider, ByteStream<CopyingSender, Block>.self),
        .of(provider, ByteStream<CopyingSender, Spin>.self),
        .of(provider, ByteStream<CopyingSender, Yield>.self),
        .of(provider, ByteStream<CopyingSender, SpinThenBlock>.self),
      ] + others)
  }

  /// Messages over descriptors, in every wait strategy.
  @inlinable @inline(__always)
  static func packets<P: ChannelProvider, K: PacketKind>(
    _ provider: P.Type, _ kind: K.Type, _ others: Form...
  ) -> MechanismEntry where P.Attachment == Ends {
    MechanismEntry(
      forms: [
        .of(provider, Messages<Packets<K, Block>>.self), .of(provider, Messages<Packets<K, Spin>>.self),
        .of(provider, Messages<Packets<K, Yield>>.self),
        .of(provider, Messages<Packets<K, SpinThenBlock>>.self),
      ] + others)
  }

  /// Messages over a port of the mechanism's own, blocking and spinning.
  @inlinable @inline(__always)
  static func port<
    P: ChannelProvider, Blocking: MessagePort & ~Copyable, Spinning: MessagePort & ~Copyable
  >(
    _ provider: P.Type, _ blocking: Blocking.Type, _ spinning: Spinning.Type, _ others: Form...
  ) -> MechanismEntry where P.Attachment == Blocking.Attachment, P.Attachment == Spinning.Attachment {
    MechanismEntry(
      forms: [.of(provider, Messages<Blocking>.self), .of(provider, Messages<Spinning>.self)] + others)
  }
}
