import ArgumentParser
import Harness
import IPCTransport
import LinuxIPC
import Measurement
import Results

/// How results are printed.
enum OutputFormat: String, ExpressibleByArgument, CaseIterable {
  case text, json, csv, md
}

/// A comma-separated list: `-s 64,4KiB`.
struct CommaList<Element: ParsedWord>: ExpressibleByArgument {
  var elements: [Element]

  init?(argument: String) {
    let words = argument.split(separator: ",").map(String.init)
    let parsed = words.compactMap(Element.init(word:))
    guard !words.isEmpty, parsed.count == words.count else { return nil }
    elements = parsed
  }
}

/// One word of a list.
protocol ParsedWord {
  init?(word: String)
}

struct MechanismName: ParsedWord {
  var text: String
  init?(word: String) { text = word }
}

/// Bytes.
struct ByteSize: ParsedWord {
  var byteCount: Int
  init?(word: String) {
    guard let count = Units.byteCount(word) else { return nil }
    byteCount = count
  }
}

/// Messages per second.
struct MessageRate: ParsedWord {
  /// One, or those of the sweep.
  var perSecond: [Double]
  init?(word: String) {
    guard let rates = Suite.Block.rates(word) else { return nil }
    perSecond = rates
  }
}

/// How long a consumer is idle.
struct Gap: ParsedWord {
  var nanoseconds: UInt64
  init?(word: String) {
    guard let value = Units.nanoseconds(word), value <= 1_000_000_000 else { return nil }
    nanoseconds = value
  }
}

/// How many workers of one role.
struct WorkerCount: ParsedWord {
  var count: Int
  init?(word: String) {
    guard let value = Int(word), (1...Crew.most).contains(value) else { return nil }
    count = value
  }
}

/// How many messages leave together.
struct BatchSize: ParsedWord {
  var count: Int
  init?(word: String) {
    guard let value = Int(word), (1...Suite.Block.mostBatched).contains(value) else { return nil }
    count = value
  }
}

/// A time such as `250ms`.
struct TimeSpan: ExpressibleByArgument {
  var nanoseconds: UInt64
  init?(argument: String) {
    guard let value = Units.nanoseconds(argument), value > 0 else { return nil }
    nanoseconds = value
  }
}

extension String: ParsedWord { init?(word: String) { self = word } }
extension PatternKind: ParsedWord { init?(word: String) { self.init(rawValue: word) } }
extension WaitKind: ParsedWord { init?(word: String) { self.init(rawValue: word) } }
extension Attach: ParsedWord { init?(word: String) { self.init(rawValue: word) } }
extension ChannelScope: ParsedWord { init?(word: String) { self.init(rawValue: word) } }
extension Arrival: ParsedWord { init?(word: String) { self.init(rawValue: word) } }
extension Touch: ExpressibleByArgument {}
extension DisplayChoice: ExpressibleByArgument {}
extension WaitKind: ExpressibleByArgument {}
extension ByteSize: ExpressibleByArgument { init?(argument: String) { self.init(word: argument) } }
extension MessageRate: ExpressibleByArgument { init?(argument: String) { self.init(word: argument) } }

/// `auto`, `none`, two CPU numbers, or a relation between CPUs.
struct PinOption: ExpressibleByArgument {
  var request: PinRequest

  /// In the help.
  var defaultValueDescription: String { request.description }

  init?(argument: String) {
    guard let request = PinRequest(argument) else { return nil }
    self.request = request
  }
}

/// `local`, `producer`, `consumer`, `interleave`, `node:N`.
enum MemoryOption: ExpressibleByArgument {
  case local, producer, consumer, interleave
  case node(Int)

  init?(argument: String) {
    switch argument {
    case "local": self = .local
    case "producer": self = .producer
    case "consumer": self = .consumer
    case "interleave": self = .interleave
    default:
      guard argument.hasPrefix("node:"), let node = Int(argument.dropFirst(5)), node >= 0 else { return nil }
      self = .node(node)
    }
  }

  /// The policy this means for workers on these CPUs.
  func policy(topology: Topology, producer: Int?, consumer: Int?) throws(UsageError) -> MemoryPolicy {
    switch self {
    case .local: return .local
    case .interleave: return .interleave
    case .producer: return .node(producer.flatMap { topology.cpu($0) }?.node ?? 0)
    case .consumer: return .node(consumer.flatMap { topology.cpu($0) }?.node ?? 0)
    case .node(let node):
      guard node < topology.nodeCount else {
        throw UsageError(
          "There is no NUMA node \(node) on this machine; it has \(topology.nodeCount == 1 ? "node 0 only" : "nodes 0 to \(topology.nodeCount - 1)")."
        )
      }
      return .node(node)
    }
  }
}
