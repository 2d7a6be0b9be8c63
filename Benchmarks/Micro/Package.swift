// swift-tools-version: 6.2
// What our own parts cost inside one process. A package of its own, so that the main build never pays for it:
//
//   swift package --package-path Benchmarks/Micro benchmark
import PackageDescription

let package = Package(
  name: "ipcbench-micro",
  platforms: [.macOS(.v13)],
  dependencies: [
    .package(name: "ipcbench", path: "../.."),
    .package(url: "https://github.com/ordo-one/benchmark", from: "1.38.1", traits: []),
  ],
  targets: [
    .executableTarget(
      name: "Parts",
      dependencies: [
        .product(name: "Measurement", package: "ipcbench"),
        .product(name: "SharedRing", package: "ipcbench"),
        .product(name: "Benchmark", package: "benchmark"),
      ],
      path: "Benchmarks/Parts",
      plugins: [.plugin(name: "BenchmarkPlugin", package: "benchmark")])
  ],
  swiftLanguageModes: [.v6]
)
