// A process that loads the library with the shared section, and does with it what it is told to.
//
//   SectionLoader LIBRARY
//
// Reads a command from each line and answers it with a line. A program of its own because a library is loaded
// once in a process, and is told by the environment, which a test runner's threads must not change.
import Glibc
import LinuxIPC

struct Loader {
  let path: String
  var library: DynamicLibrary?

  func address(_ name: String) -> UnsafeMutableRawPointer {
    guard let address = library?.variable(name) else { fatalError("\(name) is missing") }
    return address
  }

  func word<Value: BitwiseCopyable>(_ name: String, as type: Value.Type) -> Value {
    address(name).load(as: type)
  }

  func add(_ count: UInt64, to address: UnsafeMutableRawPointer) {
    address.storeBytes(of: address.load(as: UInt64.self) + count, as: UInt64.self)
  }

  // Offsets as in SharedSection.h.
  var counter: UnsafeMutableRawPointer { address("ipcbench_section") + 16 }
  var text: UnsafeMutablePointer<CChar> {
    (address("ipcbench_section") + 24).assumingMemoryBound(to: CChar.self)
  }
  var memory: UnsafeMutableRawPointer { address("ipcbench_section_memory") }

  mutating func load(_ section: String) -> String {
    setenv("IPCBENCH_SHARED_SECTION", section, 1)
    library = DynamicLibrary(path)
    guard library != nil else { return DynamicLibrary.lastFault }
    return String(word("ipcbench_section_status", as: Int32.self))
  }

  mutating func unload() {
    library?.close()
    library = nil
  }

  /// Loads and unloads in a loop; what it finds must never be half made.
  mutating func comeAndGo(_ count: Int, _ section: String) -> String {
    for turn in 0..<count {
      let status = load(section)
      guard status == "1" || status == "2" else { return "turn \(turn): status \(status)" }
      guard counter.load(as: UInt64.self) >= 42, String(cString: text) == "from the image" else {
        return "turn \(turn): \(counter.load(as: UInt64.self)) \(String(cString: text))"
      }
      add(1, to: counter)
      unload()
    }
    return "done"
  }

  mutating func answer(_ command: String, _ argument: String) -> String {
    let number = Int(argument) ?? 0
    switch command {
    case "load": return load(argument)
    case "unload": unload()
    case "counter": return String(counter.load(as: UInt64.self))
    case "count": add(UInt64(number), to: counter)
    case "text": return String(cString: text)
    case "say": strcpy(text, argument)
    case "byte": return String(memory.load(fromByteOffset: number, as: UInt8.self))
    case "mark": memory.storeBytes(of: 1, toByteOffset: number, as: UInt8.self)
    case "own":
      let own = [word("ipcbench_own_counter", as: UInt64.self), word("ipcbench_own_zero", as: UInt64.self)]
      return own.map(String.init).joined(separator: " ")
    case "own-count":
      for name in ["ipcbench_own_counter", "ipcbench_own_zero"] { add(UInt64(number), to: address(name)) }
    case "address": return String(UInt(bitPattern: address(argument)))
    case "size": return String(word("ipcbench_section_memory_size", as: UInt64.self))
    case "fault":
      let call = word("ipcbench_section_call", as: UnsafePointer<CChar>.self)
      return "\(String(cString: call)) \(word("ipcbench_section_errno", as: Int32.self))"
    case "come-and-go":
      let words = argument.split(separator: " ").map(String.init)
      return comeAndGo(Int(words[0]) ?? 0, words[1])
    // With the destructors of what is loaded, and without.
    case "exit": exit(0)
    case "_exit": _exit(0)
    default: return "no such command"
    }
    return "ok"
  }
}

var loader = Loader(path: CommandLine.arguments.dropFirst().first ?? "")
while let line = readLine() {
  let words = line.split(separator: " ", maxSplits: 1).map(String.init)
  print(loader.answer(words.first ?? "", words.count > 1 ? words[1] : ""))
  fflush(nil)
}
