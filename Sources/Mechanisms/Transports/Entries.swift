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
      .of(provider, Ring<SpinThenBlock>.self)
    ).with(
      .only(FanIn.self, provider, FanInSender<Spin>.self, FanInReceiver<Spin>.self),
      .only(FanIn.self, provider, FanInSender<Yield>.self, FanInReceiver<Yield>.self),
      .only(FanIn.self, provider, FanInSender<Block>.self, FanInReceiver<Block>.self),
      .only(FanOut.self, provider, BroadcastSender<Spin>.self, BroadcastReceiver<Spin>.self),
      .only(FanOut.self, provider, BroadcastSender<Yield>.self, BroadcastReceiver<Yield>.self),
      .only(FanOut.self, provider, BroadcastSender<Block>.self, BroadcastReceiver<Block>.self)
    ).with(
      .only(BatchedStream.self, provider, BatchedRing<Spin>.self, Ring<Spin>.self),
      .only(BatchedStream.self, provider, BatchedRing<Yield>.self, Ring<Yield>.self),
      .only(BatchedStream.self, provider, BatchedRing<Block>.self, Ring<Block>.self))
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
      ] + others
    ).multiplexed(provider, ByteStream<CopyingSender, Multiplexed>.self)
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
      ] + others
    ).multiplexed(provider, Messages<Packets<K, Multiplexed>>.self)
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

  /// A transport that asks before it reads, behind each of the calls by which it can.
  @inlinable @inline(__always)
  func multiplexed<P: ChannelProvider, T: Transport & ~Copyable>(
    _ provider: P.Type, _ transport: T.Type, variants: [String] = []
  ) -> MechanismEntry where P.Attachment == T.Attachment {
    with(
      .of(provider, transport, variants: variants, wait: .poll),
      .of(provider, transport, variants: variants, wait: .epoll),
      .of(provider, transport, variants: variants, wait: .ioURing))
  }

  // MARK: Patterns with forms of their own

  // Of a mechanism's plain form, unless they are told other variants.

  /// Bytes, of which one call takes many messages.
  @inlinable @inline(__always)
  func gathered<P: ChannelProvider>(
    _ provider: P.Type, variants: [String] = [""]
  ) -> MechanismEntry where P.Attachment == Ends {
    with(
      .only(
        BatchedStream.self, provider, GatheredStream<Block>.self, ByteStream<CopyingSender, Block>.self,
        variants: variants),
      .only(
        BatchedStream.self, provider, GatheredStream<Spin>.self, ByteStream<CopyingSender, Spin>.self,
        variants: variants))
  }

  /// Sockets, of which one call sends and takes many messages.
  @inlinable @inline(__always)
  func gathered<P: ChannelProvider, K: PacketKind>(
    _ provider: P.Type, _ kind: K.Type, variants: [String] = [""]
  ) -> MechanismEntry where P.Attachment == Ends {
    with(
      .only(
        BatchedStream.self, provider, BatchedPackets<K, Block>.self, BatchedPackets<K, Block>.self,
        variants: variants),
      .only(
        BatchedStream.self, provider, BatchedPackets<K, Spin>.self, BatchedPackets<K, Spin>.self,
        variants: variants))
  }

  /// Writers of a pipe that take turns: what one call writes stays together up to PIPE_BUF (pipe(7)).
  @inlinable @inline(__always)
  func sharedPipe<P: ChannelProvider>(_ provider: P.Type) -> MechanismEntry where P.Attachment == Ends {
    with(
      .only(
        FanIn.self, provider, ByteStream<CopyingSender, Block>.self, ByteStream<CopyingSender, Block>.self,
        variants: [""], maximumMessageByteCount: 4092),
      .only(
        FanIn.self, provider, ByteStream<CopyingSender, Spin>.self, ByteStream<CopyingSender, Spin>.self,
        variants: [""], maximumMessageByteCount: 4092))
  }

  /// One queue of messages into which several write.
  @inlinable @inline(__always)
  func sharedQueue<
    P: ChannelProvider, Blocking: MessagePort & ~Copyable, Spinning: MessagePort & ~Copyable
  >(
    _ provider: P.Type, _ blocking: Blocking.Type, _ spinning: Spinning.Type, variants: [String] = [""]
  ) -> MechanismEntry where P.Attachment == Blocking.Attachment, P.Attachment == Spinning.Attachment {
    with(
      .only(
        FanIn.self, provider, Messages<Blocking>.self, Messages<Blocking>.self, variants: variants),
      .only(
        FanIn.self, provider, Messages<Spinning>.self, Messages<Spinning>.self, variants: variants))
  }

  /// A connection of each producer's, and a consumer that looks which have something.
  @inlinable @inline(__always)
  func served<P: ChannelProvider>(_ provider: P.Type) -> MechanismEntry where P.Attachment == Ends {
    with(
      .only(
        FanIn.self, EachOwn<P>.self, Copies<ByteStream<CopyingSender, Block>>.self, StreamServer<Block>.self,
        variants: [""]),
      .only(
        FanIn.self, EachOwn<P>.self, Copies<ByteStream<CopyingSender, Spin>>.self, StreamServer<Spin>.self,
        variants: [""]))
  }

  /// A channel for each consumer, to all of which the producer sends.
  @inlinable @inline(__always)
  func copied<P: ChannelProvider, Blocking: Transport & ~Copyable, Spinning: Transport & ~Copyable>(
    _ provider: P.Type, _ blocking: Blocking.Type, _ spinning: Spinning.Type
  ) -> MechanismEntry where P.Attachment == Blocking.Attachment, P.Attachment == Spinning.Attachment {
    with(
      .only(FanOut.self, EachOwn<P>.self, Copies<Blocking>.self, Copies<Blocking>.self, variants: [""]),
      .only(FanOut.self, EachOwn<P>.self, Copies<Spinning>.self, Copies<Spinning>.self, variants: [""]))
  }
}
