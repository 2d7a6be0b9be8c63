import CLinuxShims
import Glibc

/// A library that is used where it is installed, and asked for where it is not: the program builds and runs
/// without it.
public struct DynamicLibrary: Sendable {
  nonisolated(unsafe) private let handle: UnsafeMutableRawPointer

  /// Nil when it is not installed. It stays loaded until it is closed.
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

  /// A variable of the library, nil when it has none of this name.
  ///
  /// The corresponding C function is `dlsym`.
  public func variable(_ name: String) -> UnsafeMutableRawPointer? { ipcb_library_symbol(handle, name) }

  /// Unloads the library when nobody else in this process has it open. Nothing of it may be used any more.
  ///
  /// The corresponding C function is `dlclose`.
  public func close() { _ = ipcb_library_close(handle) }

  /// Why the last library could not be opened.
  ///
  /// The corresponding C function is `dlerror`.
  public static var lastFault: String { String(cString: ipcb_library_fault()) }
}
