extension Environment {
  /// Sixteen hexadecimal digits that are the same for runs on the same hardware, kernel, mitigations and
  /// toolchain, whatever the host's name, the time, the load and the temperature.
  ///
  /// Settings that can change from one minute to the next (governor, limits, huge pages) are not part of it;
  /// they are in `environment.json`, where a comparison shows them.
  public var hash: String { FNV1a.hex(fingerprint) }

  /// What the hash is made of: one `name=value` line a fact, in a fixed order.
  var fingerprint: String {
    let gibibytes = memory.totalBytes.map { ($0 + (1 << 29)) >> 30 }
    let cacheSizes = cpu.caches?.map { "\($0.level)\($0.type.prefix(1)):\($0.size ?? "")" }
    var facts: [(String, String?)] = [
      ("architecture", cpu.architecture), ("cpu", cpu.model), ("vendor", cpu.vendor),
      ("family", cpu.family), ("model", cpu.modelNumber), ("stepping", cpu.stepping),
      ("microcode", cpu.microcode), ("logical", cpu.logical.map(String.init)),
      ("cores", cpu.cores.map(String.init)), ("sockets", cpu.sockets.map(String.init)),
      ("smt", cpu.smtActive.map(String.init)), ("caches", cacheSizes?.joined(separator: ",")),
      ("nodes", "\(numa.count)"),
      // The kernel keeps a little memory for itself, and not the same amount at every boot.
      ("memory_gib", gibibytes.map(String.init)),
      ("hypervisor", virtualisation.hypervisor), ("container", virtualisation.container),
      ("kernel", kernel.release), ("kernel_version", kernel.version),
      ("swift", toolchain.swift), ("configuration", toolchain.configuration), ("libc", toolchain.libc),
    ]
    facts += mitigations.sorted { $0.key < $1.key }.map { ("mitigation \($0.key)", $0.value) }
    return facts.map { "\($0.0)=\($0.1 ?? "")" }.joined(separator: "\n")
  }
}
