import Foundation
import IPCTransport
import LinuxIPC
import Measurement
import Results

/// What a run is asked to measure: the contents of a suite file, or the flags of the command in its shape.
public struct Suite: Sendable {
  public var name: String
  public var description: String
  public var blocks: [Block]
  /// Whether system calls and the processor's events are counted, which takes some 50 ms a case.
  public var countsEvents = true

  public init(name: String, description: String, blocks: [Block]) {
    self.name = name
    self.description = description
    self.blocks = blocks
  }

  /// A product of lists.
  public struct Block: Sendable {
    /// Ids, with or without a variant; nil for every mechanism there is.
    public var mechanisms: [String]?
    public var patterns: [PatternKind]
    /// Bytes; nil for 64, and for the own size of a notification.
    public var sizes: [Int]?
    /// Nil for the first strategy of each mechanism.
    public var waits: [WaitKind]?
    public var attach: [Attach]?
    public var scopes: [ChannelScope]
    /// Messages per second, for `paced`.
    public var rates: [Double]
    public var arrivals: [Arrival]
    /// Nanoseconds, for `wake-up`.
    public var gaps: [UInt64]
    /// How many messages of a `stream` leave together; empty where each leaves by itself.
    public var batches: [Int] = []
    /// How many producers a `fan-in` has.
    public var producers = [2]
    /// How many consumers a `fan-out` has.
    public var consumers = [2]
    public var touch: Touch
    public var trials: Int
    public var durationNanoseconds: UInt64
    /// A fixed message count instead of the duration.
    public var messages: UInt64?

    public init(
      mechanisms: [String]? = nil, patterns: [PatternKind] = [.roundTrip], sizes: [Int]? = nil,
      waits: [WaitKind]? = nil, attach: [Attach]? = nil, scopes: [ChannelScope] = [.host],
      rates: [Double] = [],
      arrivals: [Arrival] = [.constant], gaps: [UInt64] = Block.gapSweep, touch: Touch = .all,
      trials: Int = 3,
      durationNanoseconds: UInt64 = 250_000_000, messages: UInt64? = nil
    ) {
      self.mechanisms = mechanisms
      self.patterns = patterns
      self.sizes = sizes
      self.waits = waits
      self.attach = attach
      self.scopes = scopes
      self.rates = rates
      self.arrivals = arrivals
      self.gaps = gaps
      self.touch = touch
      self.trials = trials
      self.durationNanoseconds = durationNanoseconds
      self.messages = messages
    }
  }
}

extension Suite.Block {
  /// From what a spinning consumer notices at once to what lets a CPU fall asleep.
  public static let gapSweep: [UInt64] = [1000, 10_000, 100_000, 1_000_000, 10_000_000]

  /// From each by itself to where more gains little.
  public static let batchSweep = [1, 4, 16, 64]

  /// Messages, and bytes, of the largest batch.
  public static let (mostBatched, mostBatchedBytes) = (256, 4 << 20)

  /// Three steps per decade, whatever the machine: the same loads everywhere, up to and beyond saturation.
  public static let rateSweep: [Double] = [1e3, 1e4, 1e5, 1e6].flatMap { decade in
    [1, 2, 5].map { $0 * decade }
  }

  /// One offered load as it is typed, or all of the `sweep`; nil for anything else.
  public static func rates(_ word: String) -> [Double]? {
    word == "sweep" ? rateSweep : Units.rate(word).map { [$0] }
  }
}

/// What is wrong with a request, in one sentence: the user can mend it, nothing has been measured.
public struct UsageError: Error, Sendable, CustomStringConvertible {
  public var description: String
  public init(_ description: String) { self.description = description }
}

extension Suite {
  /// Reads a suite file.
  public static func load(path: String) throws(UsageError) -> Suite {
    guard let data = FileManager.default.contents(atPath: path) else {
      throw UsageError("Cannot read the suite file \(path).")
    }
    let name = URL(fileURLWithPath: path).deletingPathExtension().lastPathComponent
    do {
      guard let object = try JSONSerialization.jsonObject(with: data) as? [String: Any] else {
        throw UsageError("The suite file \(path) is not a JSON object.")
      }
      return try SuiteReader(path: path).suite(object, name)
    } catch let error as UsageError {
      throw error
    } catch {
      throw UsageError("The suite file \(path) is not valid JSON: \(error.localizedDescription).")
    }
  }
}

/// Decodes by hand because every unknown key is an error: a misspelt one must not measure something else.
private struct SuiteReader {
  var path: String

  func suite(_ object: [String: Any], _ name: String) throws(UsageError) -> Suite {
    try expect(object, keys: ["description", "trials", "duration", "counts", "blocks"], in: "the suite")
    guard let blocks = object["blocks"] as? [[String: Any]], !blocks.isEmpty else {
      throw UsageError("\(path): 'blocks' must be a list of objects, at least one.")
    }
    var decoded: [Suite.Block] = []
    for block in blocks { decoded.append(try self.block(block, defaults: object)) }
    var suite = Suite(name: name, description: object["description"] as? String ?? "", blocks: decoded)
    if let counts = object["counts"] {
      guard let counts = counts as? Bool else { throw UsageError("\(path): 'counts' must be true or false.") }
      suite.countsEvents = counts
    }
    return suite
  }

  func block(_ object: [String: Any], defaults: [String: Any]) throws(UsageError) -> Suite.Block {
    try expect(
      object,
      keys: [
        "mechanisms", "patterns", "sizes", "waits", "attach", "scopes", "rates", "arrival", "gaps", "batches",
        "producers", "consumers", "touch", "trials", "duration",
      ],
      in: "a block")
    var block = Suite.Block()
    block.mechanisms = try strings(object, "mechanisms")
    guard let patterns = try list(object, "patterns", { PatternKind(rawValue: $0) }) else {
      throw UsageError("\(path): a block needs 'patterns'.")
    }
    block.patterns = patterns
    block.sizes = try list(object, "sizes", Units.byteCount)
    block.waits = try list(object, "waits") { WaitKind(rawValue: $0) }
    block.attach = try list(object, "attach") { Attach(rawValue: $0) }
    block.scopes = try list(object, "scopes") { ChannelScope(rawValue: $0) } ?? [.host]
    block.rates = try list(object, "rates", Suite.Block.rates)?.flatMap { $0 } ?? []
    block.gaps = try list(object, "gaps", Units.nanoseconds) ?? Suite.Block.gapSweep
    block.batches = try counts(object, "batches", upTo: Suite.Block.mostBatched) ?? []
    block.producers = try counts(object, "producers", upTo: Crew.most) ?? [2]
    block.consumers = try counts(object, "consumers", upTo: Crew.most) ?? [2]
    block.arrivals = try list(object, "arrival") { Arrival(rawValue: $0) } ?? [.constant]
    block.touch = try list(object, "touch") { Touch(rawValue: $0) }?.first ?? .all
    guard let trials = (object["trials"] ?? defaults["trials"]) as? Int, trials > 0 else {
      throw UsageError("\(path): 'trials' must be a positive number.")
    }
    block.trials = trials
    guard let text = (object["duration"] ?? defaults["duration"]) as? String,
      let duration = Units.nanoseconds(text), duration > 0
    else { throw UsageError("\(path): 'duration' must be a time such as \"250ms\".") }
    block.durationNanoseconds = duration
    return block
  }

  private func expect(
    _ object: [String: Any], keys: Set<String>, in place: String
  ) throws(UsageError) {
    for key in object.keys.sorted() where key != "$comment" && !keys.contains(key) {
      throw UsageError(
        "\(path): unknown key '\(key)' in \(place); known are \(keys.sorted().joined(separator: ", ")).")
    }
  }

  private func counts(
    _ object: [String: Any], _ key: String, upTo most: Int
  ) throws(UsageError) -> [Int]? {
    guard let value = object[key] else { return nil }
    guard let list = value as? [Int] ?? (value as? Int).map({ [$0] }), !list.isEmpty,
      list.allSatisfy((1...most).contains)
    else { throw UsageError("\(path): '\(key)' must be a list of numbers from 1 to \(most).") }
    return list
  }

  private func strings(_ object: [String: Any], _ key: String) throws(UsageError) -> [String]? {
    guard let value = object[key] else { return nil }
    if let single = value as? String { return [single] }
    guard let list = value as? [String], !list.isEmpty else {
      throw UsageError("\(path): '\(key)' must be a list of strings.")
    }
    return list
  }

  private func list<Value>(
    _ object: [String: Any], _ key: String, _ parse: (String) -> Value?
  ) throws(UsageError) -> [Value]? {
    guard let texts = try strings(object, key) else { return nil }
    var values: [Value] = []
    for text in texts {
      guard let value = parse(text) else {
        throw UsageError("\(path): '\(text)' is not a value of '\(key)'.")
      }
      values.append(value)
    }
    return values
  }
}
