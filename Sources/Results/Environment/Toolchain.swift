import Glibc

extension Environment {
  /// What the tool was built with.
  public struct Toolchain: Codable, Sendable, Equatable {
    /// The compiler's version, as far as conditional compilation can tell it.
    public var swift: String?
    /// `release` or `debug`.
    public var configuration: String?
    /// The C library at run time: `glibc 2.36`.
    public var libc: String?

    public init() {}
  }

  /// The tool itself.
  public struct Tool: Codable, Sendable, Equatable {
    public var name: String
    public var version: String?
    public var gitCommit: String?

    public init(name: String = "ipcbench", version: String? = nil, gitCommit: String? = nil) {
      self.name = name
      self.version = version
      self.gitCommit = gitCommit
    }
  }
}

extension Environment.Toolchain {
  static var current: Environment.Toolchain {
    var toolchain = Environment.Toolchain()
    toolchain.swift = compilerVersion
    #if DEBUG
      toolchain.configuration = "debug"
    #else
      toolchain.configuration = "release"
    #endif
    toolchain.libc = libraryVersion
    return toolchain
  }

  private static var libraryVersion: String? {
    let length = confstr(Int32(_CS_GNU_LIBC_VERSION), nil, 0)
    guard length > 0 else { return nil }
    return withUnsafeTemporaryAllocation(of: CChar.self, capacity: length) { buffer in
      confstr(Int32(_CS_GNU_LIBC_VERSION), buffer.baseAddress, length) > 0
        ? String(cString: buffer.baseAddress!) : nil
    }
  }

  /// Swift has no way to ask for the compiler's version; it can only be compared with one. A newer compiler
  /// shows as the newest listed here with a `+`, until it is added.
  private static var compilerVersion: String {
    #if compiler(>=6.4)
      "6.4+"
    #elseif compiler(>=6.3.3)
      "6.3.3+"
    #elseif compiler(>=6.3.2)
      "6.3.2"
    #elseif compiler(>=6.3.1)
      "6.3.1"
    #elseif compiler(>=6.3)
      "6.3"
    #else
      "6.2"
    #endif
  }
}
