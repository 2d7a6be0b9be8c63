import IPCTransport
import LinuxIPC
import Measurement
import SystemPackage

/// One worker of a trial whose other worker another harness starts: a program of its own, which is told an address, and
/// meets its peer at barriers over the control connection that it gets as its standard input.
struct HandWorker {
  let role: Role
  let id: String
  let address: String
  let spec: ChannelSpec
  let settings: TrialSettings
  let page: ControlPage
  let pagePath: String
  /// Where its order is left for it: the starting harness's, whatever the channel's is.
  let files: ResourceScope

  func start(_ connection: ControlConnection) throws(SystemError) -> StartedWorker {
    var order = WorkerOrder(
      id, role, address: address, spec, settings, page: pagePath, isActivated: false)
    order.isLinked = true
    let path = try files.path("\(spec.serial)-\(role.rawValue)-order")
    try TextFile.write(order.text, to: path)
    let child = try Processes.spawn(
      "/proc/self/exe", ["worker", "@\(path)"], standardInput: connection.socket.descriptor)
    return StartedWorker(seat: Seat(role), child: child)
  }
}

extension TrialSettings {
  /// Of a side that pins nothing but its own worker.
  init(
    _ planned: PlannedCase, clock: Clock, seed: UInt64 = 0, producerCPU: Int? = nil, consumerCPU: Int? = nil
  ) {
    self.init(
      pattern: planned.pattern,
      payload: Payload(byteCount: planned.identity.messageBytes, touch: planned.touch),
      reply: Payload(
        byteCount: planned.form.replyByteCount ?? planned.identity.messageBytes, touch: planned.touch),
      clock: clock, durationNanoseconds: planned.durationNanoseconds, messages: planned.messages,
      seed: seed, producerCPU: producerCPU, consumerCPU: consumerCPU)
  }
}
