import Results

/// JSON of values that hold nothing that JSON has no word for: results are read without such numbers.
func jsonText(_ value: some Encodable) -> String {
  do {
    return String(decoding: try ResultsJSON.encode(value, pretty: true), as: UTF8.self) + "\n"
  } catch {
    preconditionFailure("an export holds a number that is not finite: \(error)")
  }
}
