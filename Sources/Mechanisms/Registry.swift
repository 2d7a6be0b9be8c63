import LinuxIPC
import Measurement

/// Every mechanism there is, one entry each, in the order in which they are listed.
public enum Registry {
  public static let entries: [MechanismEntry] = [
    MechanismEntry(.of(Null.self, OwnMemory<Spin>.self), .of(Null.self, OwnMemory<Block>.self)),
    .ring(SharedMemory.self),
    .ring(MappedFile.self),
    .ring(SharedLibrary.self),
    MechanismEntry(
      .of(
        MappedFileNotify.self, NotifiedView<SignalNotifier<Block>>.self,
        variants: ["signal", "tmpfs", "disk"]),
      .of(
        MappedFileNotify.self, NotifiedView<SignalNotifier<Spin>>.self, variants: ["signal", "tmpfs", "disk"]),
      .of(MappedFileNotify.self, NotifiedView<WindowNotifier<Block>>.self, variants: ["window"])),
    .byteStream(
      Pipe.self,
      .of(Pipe.self, Messages<Packets<Connected, Block>>.self, variants: ["packet"]),
      .of(Pipe.self, Messages<Packets<Connected, Spin>>.self, variants: ["packet"]),
      .of(Pipe.self, ByteStream<SpliceSender, Block>.self, variants: ["splice"]),
      .of(Pipe.self, ByteStream<SpliceSender, Spin>.self, variants: ["splice"])
    )
    .sharedPipe(Pipe.self)
    .sharedQueue(
      Pipe.self, Packets<Connected, Block>.self, Packets<Connected, Spin>.self, variants: ["packet"]
    )
    .multiplexed(Pipe.self, Messages<Packets<Connected, Multiplexed>>.self, variants: ["packet"])
    .gathered(Pipe.self)
    .copied(Pipe.self, ByteStream<CopyingSender, Block>.self, ByteStream<CopyingSender, Spin>.self),
    MechanismEntry(
      .of(Vmsplice.self, ByteStream<VmspliceSender, Block>.self),
      .of(Vmsplice.self, ByteStream<VmspliceSender, Spin>.self)),
    .byteStream(Fifo.self).gathered(Fifo.self).sharedPipe(Fifo.self),
    .packets(
      NamedPipe.self, Connected.self,
      .of(NamedPipe.self, ByteStream<CopyingSender, Block>.self, variants: ["byte"]),
      .of(NamedPipe.self, ByteStream<CopyingSender, Spin>.self, variants: ["byte"])
    )
    .multiplexed(NamedPipe.self, ByteStream<CopyingSender, Multiplexed>.self, variants: ["byte"]),
    .packets(
      Mailslots.self, Datagram.self,
      .of(
        NetworkMailslot.self, Messages<EnvelopedDatagrams<MailslotEnvelope, Block>>.self,
        variants: ["network"]),
      .of(
        NetworkMailslot.self, Messages<EnvelopedDatagrams<MailslotEnvelope, Spin>>.self, variants: ["network"]
      )
    )
    .sharedQueue(Mailslots.self, Packets<Datagram, Block>.self, Packets<Datagram, Spin>.self),
    MechanismEntry(
      .of(CopyData.self, CallByCopy<Block>.self), .of(CopyData.self, CallByCopy<Spin>.self),
      .of(CopyData.self, CallByCopy<SpinThenBlock>.self),
      .of(CopyDataByProperty.self, Calls<CopyDataPort<Block>>.self, variants: ["x11"])),
    MechanismEntry(.of(Clipboard.self, Messages<ClipboardPort<Block>>.self)),
    MechanismEntry(
      .of(DDE.self, Messages<ColdLinkPort<Block>>.self, variants: ["cold"]),
      .of(DDE.self, Messages<WarmLinkPort<Block>>.self, variants: ["warm"]),
      .of(DDE.self, Messages<HotLinkPort<Block>>.self, variants: ["hot"])),
    MechanismEntry(
      .of(OLE.self, Calls<ObjectCallPort<Block>>.self, variants: ["call"]),
      .of(OLE.self, Messages<ActivationPort<Block>>.self, variants: ["activate"]),
      .of(OLE.self, Messages<EmbedPort<Block>>.self, variants: ["embed"])),
    .byteStream(UnixStream.self).gathered(UnixStream.self).served(UnixStream.self)
      .copied(UnixStream.self, ByteStream<CopyingSender, Block>.self, ByteStream<CopyingSender, Spin>.self),
    .packets(UnixSeqpacket.self, Connected.self).gathered(UnixSeqpacket.self, Connected.self)
      .copied(
        UnixSeqpacket.self, Messages<Packets<Connected, Block>>.self, Messages<Packets<Connected, Spin>>.self),
    .packets(UnixDgram.self, Datagram.self).gathered(UnixDgram.self, Datagram.self)
      .sharedQueue(UnixDgram.self, Packets<Datagram, Block>.self, Packets<Datagram, Spin>.self),
    .byteStream(
      SocketPair.self,
      .of(SocketPair.self, Messages<Packets<Connected, Block>>.self, variants: ["seqpacket"]),
      .of(SocketPair.self, Messages<Packets<Connected, Spin>>.self, variants: ["seqpacket"])
    )
    .multiplexed(SocketPair.self, Messages<Packets<Connected, Multiplexed>>.self, variants: ["seqpacket"])
    .gathered(SocketPair.self, variants: ["stream"])
    .gathered(SocketPair.self, Connected.self, variants: ["seqpacket"]),
    .byteStream(
      TCP.self,
      .of(TCP.self, ByteStream<ZeroCopySender, Block>.self, variants: ["zerocopy"]),
      .of(TCP.self, ByteStream<ZeroCopySender, Spin>.self, variants: ["zerocopy"])
    )
    .gathered(TCP.self)
    .served(TCP.self)
    .copied(TCP.self, ByteStream<CopyingSender, Block>.self, ByteStream<CopyingSender, Spin>.self),
    .byteStream(MPTCP.self).gathered(MPTCP.self),
    .packets(UDP.self, LossyDatagram.self).gathered(UDP.self, LossyDatagram.self)
      .sharedQueue(UDP.self, Packets<LossyDatagram, Block>.self, Packets<LossyDatagram, Spin>.self)
      .with(
        .only(
          FanOut.self, UDP.self, Messages<Packets<LossyDatagram, Block>>.self,
          Messages<Packets<LossyDatagram, Block>>.self, variants: ["multicast"]),
        .only(
          FanOut.self, UDP.self, Messages<Packets<LossyDatagram, Spin>>.self,
          Messages<Packets<LossyDatagram, Spin>>.self, variants: ["multicast"])),
    MechanismEntry(
      .of(
        NetBIOSSession.self, FramedStream<CopyingSender, Block, SessionFraming>.self, variants: ["session"]),
      .of(NetBIOSSession.self, FramedStream<CopyingSender, Spin, SessionFraming>.self, variants: ["session"]),
      .of(
        NetBIOSDatagram.self, Messages<EnvelopedDatagrams<NetBIOSEnvelope, Block>>.self,
        variants: ["datagram"]),
      .of(
        NetBIOSDatagram.self, Messages<EnvelopedDatagrams<NetBIOSEnvelope, Spin>>.self, variants: ["datagram"]
      )),
    .byteStream(Vsock.self).gathered(Vsock.self),
    .port(PosixMQ.self, PosixQueuePort<Block>.self, PosixQueuePort<Spin>.self)
      .multiplexed(PosixMQ.self, Messages<PosixQueuePort<Multiplexed>>.self)
      .sharedQueue(PosixMQ.self, PosixQueuePort<Block>.self, PosixQueuePort<Spin>.self)
      .copied(PosixMQ.self, Messages<PosixQueuePort<Block>>.self, Messages<PosixQueuePort<Spin>>.self),
    .port(SystemVMQ.self, SystemVQueuePort<Block>.self, SystemVQueuePort<Spin>.self)
      .sharedQueue(SystemVMQ.self, SystemVQueuePort<Block>.self, SystemVQueuePort<Spin>.self),
    .port(
      IOURing.self, URingPort<Block>.self, URingPort<Spin>.self,
      .of(IOURing.self, Messages<RingMessagePort<Block>>.self, variants: ["msg-ring"]),
      .of(IOURing.self, Messages<RingMessagePort<Spin>>.self, variants: ["msg-ring"])
    ).with(
      .only(
        BatchedStream.self, IOURing.self, BatchedURing<Block>.self, BatchedURing<Block>.self, variants: [""]),
      .only(
        BatchedStream.self, IOURing.self, BatchedURing<Spin>.self, BatchedURing<Spin>.self, variants: [""])),
    MechanismEntry(.of(ProcessVMRead.self, Pull<Block>.self), .of(ProcessVMRead.self, Pull<Spin>.self)),
    .port(FDPassing.self, PassedMemory<Block>.self, PassedMemory<Spin>.self),
    .port(FutexWord.self, FutexBell<Block>.self, FutexBell<Spin>.self),
    .port(EventFD.self, EventBell<Block>.self, EventBell<Spin>.self)
      .multiplexed(EventFD.self, Messages<EventBell<Multiplexed>>.self),
    .port(PosixSemaphores.self, SemaphoreBell<Block>.self, SemaphoreBell<Spin>.self),
    .port(SystemVSemaphore.self, SystemVBell<Block>.self, SystemVBell<Spin>.self),
    .port(QueuedSignal.self, SignalBell<Block>.self, SignalBell<Spin>.self),
    .port(SignalFD.self, SignalDescriptorBell<Block>.self, SignalDescriptorBell<Spin>.self)
      .multiplexed(SignalFD.self, Messages<SignalDescriptorBell<Multiplexed>>.self),
    .port(FileLock.self, LockBell<Block>.self, LockBell<Spin>.self),
    .port(Inotify.self, WatchBell<Block>.self, WatchBell<Spin>.self)
      .multiplexed(Inotify.self, Messages<WatchBell<Multiplexed>>.self),
    MechanismEntry(.of(ZeroMQ.self, Messages<ZeroMQPort<Block>>.self))
      .with(
        .only(
          FanIn.self, ZeroMQ.self, Messages<ZeroMQPort<Block>>.self, Messages<ZeroMQPort<Block>>.self)
      ),
    MechanismEntry(.of(NNG.self, Messages<NNGPort<Block>>.self)),
    MechanismEntry(.of(DBus.self, Calls<BusCallPort<Block>>.self)),
    MechanismEntry(
      .of(ONC.self, ONCCalls.self, variants: ONC.variants.map(\.name)),
      .of(DCE.self, DCECalls<Block>.self, variants: DCE.variants.map(\.name)),
      .of(DCE.self, DCECalls<Spin>.self, variants: DCE.variants.map(\.name)),
      .of(GRPC.self, GRPCCalls.self, variants: GRPC.variants.map(\.name))),
  ]

  /// Id of the mechanism that exchanges nothing, whose figures are the tool's own cost.
  public static var ownCost: String {
    entries.first { !$0.mechanism.traits(of: "").deliversAcrossProcesses }?.mechanism.id ?? ""
  }
}
