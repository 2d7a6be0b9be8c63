import Comparing
import Results

/// How the cases of a check are called: `pipe round-trip 64 B block`. Where the processes were and how they met mostly
/// follows from the mechanism, or is the same for all: a name says it only where nothing else tells two cases apart.
struct CheckNames {
  private typealias Circumstance = @Sendable (CaseIdentity) -> String

  private static let circumstances: [Circumstance] = [
    { $0.placement }, { $0.attach }, { $0.scope == "host" ? "" : $0.scope },
    { $0.producers == 1 && $0.consumers == 1 ? "" : "\($0.producers) to \($0.consumers)" },
  ]

  /// Cases that are called the same but for their circumstances.
  private let namesakes: [String: Set<CaseIdentity>]
  /// The circumstances that all cases share: `same-l3, inherit`; empty where there are none.
  let common: String

  init(_ identities: [CaseIdentity]) {
    namesakes = Dictionary(grouping: identities, by: Self.shortName).mapValues(Set.init)
    let shared = Self.circumstances.map { Set(identities.map($0)) }.filter { $0.count == 1 }
    common = shared.flatMap { $0 }.filter { !$0.isEmpty }.joined(separator: ", ").oneLine
  }

  func name(_ identity: CaseIdentity) -> String {
    let name = Self.shortName(identity)
    let others = namesakes[name] ?? []
    let telling = Self.circumstances.filter { circumstance in Set(others.map(circumstance)).count > 1 }
    return ([name] + telling.map { $0(identity) }).filter { !$0.isEmpty }.joined(separator: " ").oneLine
  }

  private static func shortName(_ identity: CaseIdentity) -> String {
    var words = [identity.id, identity.pattern]
    // A wake-up carries nothing.
    if identity.messageBytes > 0 { words.append(Quantity.size(bytes: Double(identity.messageBytes))) }
    if let rate = identity.rateTargetPerSecond { words.append(Quantity.load(perSecond: rate)) }
    return (words + [identity.wait]).joined(separator: " ")
  }

  /// `a`, `a and b`, `a, b and c`.
  static func list(_ words: [String], _ conjunction: String = "and") -> String {
    guard words.count > 1 else { return words.first ?? "" }
    return words.dropLast().joined(separator: ", ") + " \(conjunction) " + words[words.count - 1]
  }
}

extension CheckedMetric {
  /// As people call it: `p50`, `service p99.9`, `CPU/msg`, `message rate`.
  var inWords: String {
    let title = ComparedMetric(name: name, unit: unit, better: better).title.oneLine
    // Of a closed loop there is one latency only.
    return title.hasPrefix("RTT ") ? String(title.dropFirst(4)) : title
  }

  /// The same without the kind of latency, which a case's pattern tells: `p50` of a paced load is its service time.
  var column: String {
    name.hasPrefix("latency_") ? inWords.split(separator: " ").last.map(String.init) ?? inWords : inWords
  }
}

extension String {
  /// Without line breaks and other control characters, which a reason or a name from a file may contain and a
  /// terminal would act on.
  var oneLine: String {
    let isControl = { (scalar: Unicode.Scalar) in scalar.properties.generalCategory == .control }
    guard unicodeScalars.contains(where: isControl) else { return self }
    var text = UnicodeScalarView()
    text.append(contentsOf: unicodeScalars.map { isControl($0) ? " " : $0 })
    return String(text).split(separator: " ").joined(separator: " ")
  }

  /// A sentence as part of a longer one.
  var withoutFullStop: String { hasSuffix(".") ? String(dropLast()) : self }
}
