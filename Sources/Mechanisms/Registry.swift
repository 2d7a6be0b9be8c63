import LinuxIPC
import Measurement

/// Every mechanism there is, one line each, in the order in which they are listed.
public enum Registry {
  public static let entries: [MechanismEntry] = [
    MechanismEntry(.of(Null<Spin>.self), .of(Null<Block>.self)),
    MechanismEntry(
      .of(SharedMemory<Spin>.self), .of(SharedMemory<Yield>.self), .of(SharedMemory<Block>.self),
      .of(SharedMemory<SpinThenBlock>.self)),
    MechanismEntry(
      .of(MappedFile<Spin>.self), .of(MappedFile<Yield>.self), .of(MappedFile<Block>.self),
      .of(MappedFile<SpinThenBlock>.self)),
    MechanismEntry(
      .of(Pipe<Block>.self), .of(Pipe<Spin>.self), .of(Pipe<Yield>.self), .of(Pipe<SpinThenBlock>.self)),
    MechanismEntry(
      .of(Fifo<Block>.self), .of(Fifo<Spin>.self), .of(Fifo<Yield>.self), .of(Fifo<SpinThenBlock>.self)),
    MechanismEntry(
      .of(UnixStream<Block>.self), .of(UnixStream<Spin>.self), .of(UnixStream<Yield>.self),
      .of(UnixStream<SpinThenBlock>.self)),
    MechanismEntry(
      .of(TCP<Block>.self), .of(TCP<Spin>.self), .of(TCP<Yield>.self), .of(TCP<SpinThenBlock>.self)),
  ]

  /// Id of the mechanism that exchanges nothing, whose figures are the tool's own cost.
  public static var ownCost: String {
    entries.first { !$0.mechanism.traits.deliversAcrossProcesses }?.mechanism.id ?? ""
  }
}
