import Foundation

/// The JSON of every results file: snake-case keys, sorted, slashes as they are.
public enum ResultsJSON {
  /// - Parameter pretty: over several lines, for the files that people read; records are one line.
  /// - Throws: `malformed` for a number that JSON has no word for (infinity, not a number).
  public static func encode(_ value: some Encodable, pretty: Bool = false) throws(ResultsError) -> Data {
    let encoder = JSONEncoder()
    encoder.keyEncodingStrategy = .convertToSnakeCase
    encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
    if pretty { encoder.outputFormatting.insert(.prettyPrinted) }
    do {
      return try encoder.encode(value)
    } catch {
      throw ResultsError(.malformed, path: "", "A value cannot be written as JSON: \(sentence(error)).")
    }
  }

  /// - Parameters:
  ///   - path: named in the error.
  ///   - line: named in the error; nil for a file that is one document.
  /// - Throws: `newerVersion` or `malformed`.
  static func decode<Value: Decodable>(
    _ type: Value.Type, from data: Data, path: String, line: Int? = nil, currentVersion: Int
  ) throws(ResultsError) -> Value {
    let decoder = decoder
    let place = line.map { "line \($0) of \(path)" } ?? path
    let outcome = Result { try decoder.decode(type, from: data) }
    // The version is looked at even where all fields are there: a newer file may mean something else by them.
    let version = try? decoder.decode(Version.self, from: data).schemaVersion
    if let version, version > currentVersion {
      throw ResultsError.newer(version, current: currentVersion, place: place, path: path)
    }
    switch outcome {
    case .success(let value): return value
    case .failure(let error):
      throw ResultsError(
        .malformed, path: path,
        "\(place.capitalisedFirst) is not what ipcbench writes (\(sentence(error))): "
          + "restore the file from a copy, or measure again.")
    }
  }

  static var decoder: JSONDecoder {
    let decoder = JSONDecoder()
    decoder.keyDecodingStrategy = .convertFromSnakeCase
    return decoder
  }

  struct Version: Decodable { var schemaVersion: Int }

  /// Foundation's error in a few words: what is wrong and under which key.
  private static func sentence(_ error: any Error) -> String {
    func keys(_ path: [any CodingKey]) -> String {
      let names = path.map { $0.intValue.map { "[\($0)]" } ?? $0.stringValue }
      return names.isEmpty ? "" : " at \(names.joined(separator: "."))"
    }
    switch error {
    case DecodingError.keyNotFound(let key, let context):
      return "\(key.stringValue) is missing\(keys(context.codingPath))"
    case DecodingError.typeMismatch(let type, let context):
      return "no \(type)\(keys(context.codingPath))"
    case DecodingError.valueNotFound(let type, let context):
      return "no \(type)\(keys(context.codingPath))"
    case DecodingError.dataCorrupted(let context):
      return context.codingPath.isEmpty ? "not valid JSON" : "a wrong value\(keys(context.codingPath))"
    case EncodingError.invalidValue(let value, let context):
      return "\(value)\(keys(context.codingPath))"
    default: return "\(error)"
    }
  }
}

extension ResultsError {
  static func newer(_ version: Int, current: Int, place: String, path: String) -> ResultsError {
    ResultsError(
      .newerVersion, path: path,
      "\(place.capitalisedFirst) has schema version \(version), and this ipcbench reads up to \(current): "
        + "read it with the ipcbench that wrote it, or update this one.")
  }
}

extension String {
  /// Starts a sentence: `line 3 of …` becomes `Line 3 of …`; a path stays as it is.
  var capitalisedFirst: String { hasPrefix("line ") ? "L" + dropFirst() : self }
}
