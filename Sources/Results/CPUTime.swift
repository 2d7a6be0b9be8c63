/// What a message costs in CPU time, which no row holds as such.
public enum CPUTime {
  public static let sides = ["producer", "consumer"]

  /// The metrics whose sum it is: user and system time of these sides. How a mechanism divides its time between the
  /// two says little.
  public static func parts(of sides: [String] = sides) -> [String] {
    sides.flatMap { ["cpu_user_\($0)", "cpu_system_\($0)"] }
  }

  /// The sum, in nanoseconds per message; nil where a part is missing: such a sum would pass for a cheap mechanism.
  ///
  /// - Parameter figure: gives a metric by its name.
  public static func sum(of sides: [String] = sides, _ figure: (String) -> Double?) -> Double? {
    var sum = 0.0
    for part in parts(of: sides) {
      guard let value = figure(part) else { return nil }
      sum += value
    }
    return sum
  }
}
