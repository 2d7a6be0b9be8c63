/// Formats of other tools, one file each; a new one is its file and its line here.
public enum Exports {
  public static let all: [Export] = [
    .csv,
    .go,
    .googleBenchmark,
    .gitHubAction,
    .bencher,
    .hgrm,
    .hlog,
    .parquetSQL,
  ]

  public static func named(_ name: String) -> Export? { all.first { $0.name == name } }
}
