import IPCTransport
import LinuxIPC

extension Plan {
  /// Where the sides of every case are, once the server has been asked: the plan was made without.
  ///
  /// - Parameter sharesKernel: whether the server is on this machine, in whatever container.
  public mutating func setSides(
    producerCPU: Int?, consumerCPU: Int?, sharesKernel: Bool, scope: ChannelScope
  ) {
    self.producerCPU = producerCPU
    self.consumerCPU = consumerCPU
    placement = placement(sharesKernel: sharesKernel)
    for index in cases.indices {
      cases[index].scope = scope
      cases[index].identity.scope = scope.rawValue
      cases[index].identity.placement = placement.rawValue
    }
    for index in skips.indices {
      skips[index].identity.scope = scope.rawValue
      skips[index].identity.placement = placement.rawValue
    }
  }

  /// CPUs of different machines have no cache or node in common.
  private func placement(sharesKernel: Bool) -> Placement {
    guard let producerCPU, let consumerCPU else { return .unpinned }
    guard sharesKernel else { return .crossHost }
    // A container may not see the other one's CPU.
    guard let first = topology.cpu(producerCPU), let second = topology.cpu(consumerCPU) else {
      return .unpinned
    }
    return topology.placement(first, second)
  }
}
