import CLinuxShims
import Glibc

/// A library that is used where it is installed, and asked for where it is not: the program builds and runs
/// without it.
public struct DynamicLibrary: Sendable {
  nonisolated(unsafe) private let handle: UnsafeMutableRawPointer

  /// Nil when it is not installed. It stays loaded.
  ///
  /// The corresponding C function is `dlopen`.
  public init?(_ name: String) {
    guard let handle = ipcb_library_open(name) else { return nil }
    self.handle = handle
  }

  /// A function of the library, whose C type the caller knows from its manual.
  ///
  /// The corresponding C function is `dlsym`.
  public func function<Function>(_ name: String, as type: Function.Type) -> Function {
    guard let symbol = ipcb_library_symbol(handle, name) else { fatalError("\(name) is missing") }
    return unsafeBitCast(symbol, to: type)
  }

  /// The address of a variable of the library.
  public func address(_ name: String) -> UnsafeRawPointer {
    guard let symbol = ipcb_library_symbol(handle, name) else { fatalError("\(name) is missing") }
    return UnsafeRawPointer(symbol)
  }
}
