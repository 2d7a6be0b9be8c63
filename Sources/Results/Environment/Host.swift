extension Environment {
  /// Which machine it is. Left out of the environment hash.
  public struct Host: Codable, Sendable, Equatable {
    public var name: String?
    /// Tells machines apart without naming them: a hash, never the machine id itself.
    public var hostID = ""
    /// What the hash was made from: `machine-id` or `hardware`.
    public var hostIDSource: String?

    public init() {}

    private enum CodingKeys: String, CodingKey {
      case name, hostID = "hostId", hostIDSource = "hostIdSource"
    }
  }
}

extension Environment.Host {
  init(reading files: SystemFiles) {
    name = files.text("proc/sys/kernel/hostname")
    if let machineID = Self.machineID(files) {
      // machine-id(5) asks that the id itself be kept confidential and a keyed hash of it be used. The key
      // makes ours different from everybody else's hash of the same id.
      hostID = FNV1a.hex("ipcbench host\n\(machineID)")
      hostIDSource = "machine-id"
    } else {
      hostID = FNV1a.hex("ipcbench hardware\n\(Self.hardware(files))")
      hostIDSource = "hardware"
    }
  }

  private static func machineID(_ files: SystemFiles) -> String? {
    ["etc/machine-id", "var/lib/dbus/machine-id"].lazy.compactMap { files.text($0) }
      // An image that has not been booted yet says `uninitialized`, which every copy of it shares.
      .first { $0.count == 32 && $0.allSatisfy(\.isHexDigit) }
  }

  /// Machines of one model cannot be told apart by it; it is what is left without a machine id.
  private static func hardware(_ files: SystemFiles) -> String {
    let dmi = ["product_uuid", "product_serial", "sys_vendor", "product_name", "board_name"]
    let facts = dmi.map { files.text("sys/class/dmi/id/\($0)") ?? "" }
    let processor = Environment.CPU(reading: files)
    return (facts + [processor.model ?? "", "\(processor.logical ?? 0)"]).joined(separator: "\n")
  }
}
