extension Environment {
  public struct Virtualisation: Codable, Sendable, Equatable {
    /// Whether the CPU says that it is a virtual one; nil where CPUs do not say.
    public var virtualMachine: Bool?
    /// `kvm`, `vmware`, `hyper-v`, `xen`, `virtualbox`, `qemu`; nil on bare metal and where it does not show.
    public var hypervisor: String?
    /// `docker`, `podman`, `lxc`, `systemd-nspawn`; nil outside a container.
    public var container: String?

    public init() {}
  }
}

extension Environment.Virtualisation {
  init(reading files: SystemFiles) {
    let flags = files.fields("proc/cpuinfo")?["flags"]?.split(separator: " ")
    virtualMachine = flags?.contains("hypervisor")
    hypervisor = Self.hypervisor(files)
    container = Self.container(files)
  }

  private static func hypervisor(_ files: SystemFiles) -> String? {
    if let type = files.text("sys/hypervisor/type") { return type }
    let dmi = ["sys_vendor", "product_name", "board_vendor"]
      .compactMap { files.text("sys/class/dmi/id/\($0)") }.joined(separator: "\n")
    let makers = [
      ("VMware", "vmware"), ("VirtualBox", "virtualbox"), ("innotek", "virtualbox"), ("Xen", "xen"),
      ("Virtual Machine", "hyper-v"), ("KVM", "kvm"), ("Amazon EC2", "kvm"), ("Google Compute", "kvm"),
      ("QEMU", "qemu"),
    ]
    if let maker = makers.first(where: { dmi.contains($0.0) }) { return maker.1 }
    // Small virtual machines have no firmware tables; the clocks that the hypervisor offers give it away.
    let clocks = files.text("sys/devices/system/clocksource/clocksource0/available_clocksource") ?? ""
    if clocks.contains("kvm-clock") { return "kvm" }
    if clocks.contains("hyperv") { return "hyper-v" }
    if clocks.contains("xen") { return "xen" }
    return files.text("proc/device-tree/hypervisor/compatible").map { $0.contains("kvm") ? "kvm" : $0 }
  }

  private static func container(_ files: SystemFiles) -> String? {
    if let name = files.text("run/systemd/container") { return name }
    if files.exists(".dockerenv") { return "docker" }
    if files.exists("run/.containerenv") { return "podman" }
    let variables = files.bytes("proc/1/environ")?.split(separator: 0) ?? []
    let prefix = "container="
    return variables.map { String(decoding: $0, as: UTF8.self) }.first { $0.hasPrefix(prefix) }
      .map { String($0.dropFirst(prefix.count)) }
  }
}
