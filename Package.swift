// swift-tools-version: 6.2
import PackageDescription

/// Modules in layers; an arrow may only point to a line above. `make lint` builds with
/// `--explicit-target-dependency-import-check error`, so an import that is not listed here fails.
let system = Target.Dependency.product(name: "SystemPackage", package: "swift-system")
let histogram = Target.Dependency.product(name: "Histogram", package: "hdrhistogram-swift")
let arguments = Target.Dependency.product(name: "ArgumentParser", package: "swift-argument-parser")
let logging = Target.Dependency.product(name: "Logging", package: "swift-log")

/// A build without the trait neither fetches nor builds them.
let grpc: [Target.Dependency] = [
  ("GRPCCore", "grpc-swift-2"), ("GRPCNIOTransportHTTP2Posix", "grpc-swift-nio-transport"),
  ("GRPCProtobuf", "grpc-swift-protobuf"), ("SwiftProtobuf", "swift-protobuf"),
].map { .product(name: $0.0, package: $0.1, condition: .when(traits: ["GRPC"])) }

/// `Lifetimes` lets the compiler check that a ring's loan never outlives the ring.
let lifetimes: [SwiftSetting] = [.enableExperimentalFeature("Lifetimes")]

let package = Package(
  name: "ipcbench",
  products: [
    .executable(name: "ipcbench", targets: ["ipcbench"]),
    .executable(name: "ipcbench-object-server", targets: ["ipcbench-object-server"]),
    .library(name: "SharedRing", targets: ["SharedRing"]),
    .library(name: "IPCTransport", targets: ["IPCTransport"]),
    // For Benchmarks/Micro and for harnesses of other people's.
    .library(name: "Measurement", targets: ["Measurement"]),
    // Opened at run time by mechanisms, from the folder of the program; nothing links them.
    .library(name: "ipcbench-shared-section", type: .dynamic, targets: ["SharedSection"]),
    .library(name: "ipcbench-onc-rpc", type: .dynamic, targets: ["ONCRPC"]),
  ],
  traits: [
    .trait(name: "GRPC", description: "rpc:grpc, by grpc-swift-2; the first build takes about seven minutes")
  ],
  dependencies: [
    .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.2"),
    .package(url: "https://github.com/apple/swift-log", from: "1.16.2"),
    .package(url: "https://github.com/apple/swift-system", from: "1.8.1"),
    .package(url: "https://github.com/HdrHistogram/hdrhistogram-swift", from: "0.2.0"),
    // Only with the trait GRPC.
    .package(url: "https://github.com/grpc/grpc-swift-2", from: "2.4.3"),
    .package(url: "https://github.com/grpc/grpc-swift-nio-transport", from: "2.9.2"),
    .package(url: "https://github.com/grpc/grpc-swift-protobuf", from: "2.4.1"),
    .package(url: "https://github.com/apple/swift-protobuf", from: "1.39.0", traits: []),
  ],
  targets: [
    // What Swift cannot import, and the C library the project requires.
    .target(name: "CLinuxShims"),
    .systemLibrary(name: "CNuma", pkgConfig: "numa", providers: [.apt(["libnuma-dev"])]),

    // A library that shares its data.
    .target(name: "SharedSection"),
    // What rpcgen made, over libtirpc. Built without its headers it is empty, and the mechanism is skipped.
    .systemLibrary(name: "CTirpc", pkgConfig: "libtirpc", providers: [.apt(["libtirpc-dev"])]),
    .target(name: "ONCRPC", dependencies: ["CTirpc"], exclude: ["generated", "message.x"]),

    // The system, the rings, the protocol.
    .target(name: "LinuxIPC", dependencies: ["CLinuxShims", "CNuma", system]),
    .target(name: "SharedRing", dependencies: ["CLinuxShims", "LinuxIPC"], swiftSettings: lifetimes),
    .target(name: "IPCTransport", dependencies: ["CLinuxShims", "LinuxIPC"]),

    // Network protocols: bytes in, bytes out; no sockets.
    .target(name: "DCERPC"),
    .target(name: "NetBIOS"),

    // What is measured, and how.
    .target(name: "Measurement", dependencies: ["CLinuxShims", "LinuxIPC", "IPCTransport"]),
    // Daemons that mechanisms need beside the workers, and connections to them.
    .target(name: "Services", dependencies: ["CLinuxShims", "LinuxIPC", "IPCTransport"]),
    .target(
      name: "Mechanisms",
      dependencies: [
        "LinuxIPC", "SharedRing", "IPCTransport", "Measurement", "Services", "DCERPC", "NetBIOS",
      ] + grpc),

    // What comes of it.
    .target(name: "Analysis"),
    .target(name: "Results", dependencies: ["Analysis", histogram]),
    .target(name: "Comparing", dependencies: ["Results", "Analysis"]),
    .target(name: "Reporting", dependencies: ["Comparing", "Results", "Analysis", histogram]),
    .target(name: "Exporting", dependencies: ["Results", "Analysis", histogram]),
    .target(
      name: "Harness",
      dependencies: [
        "LinuxIPC", "IPCTransport", "Services", "Measurement", "Comparing", "Results", "Analysis", system,
      ]),
    .executableTarget(
      name: "ipcbench",
      dependencies: [
        "LinuxIPC", "IPCTransport", "Measurement", "Mechanisms", "Harness", "Results", "Analysis",
        "Comparing", "Reporting", "Exporting", arguments, logging,
      ]),

    // What the message bus starts when somebody asks for an object; lies beside the command.
    .executableTarget(
      name: "ipcbench-object-server", dependencies: ["LinuxIPC", "Services"], path: "Sources/ObjectServer"),

    // The ring library by itself, for the ratios of `make reference`.
    .executableTarget(
      name: "ring-stream", dependencies: ["LinuxIPC", "SharedRing", "Measurement"],
      path: "Benchmarks/Reference/RingStream"),

    // Tests. The programs fork, or load a library more than once, which a test runner with its threads cannot.
    .target(name: "TestSupport", dependencies: ["CLinuxShims"], path: "Tests/TestSupport"),
    .executableTarget(
      name: "ConformanceChecker", dependencies: ["LinuxIPC", "IPCTransport", "Measurement", "Mechanisms"],
      path: "Tests/ConformanceChecker"),
    .executableTarget(
      name: "ServiceChecker",
      dependencies: ["LinuxIPC", "IPCTransport", "Services", "Mechanisms", "DCERPC", "NetBIOS"],
      path: "Tests/ServiceChecker", exclude: ["samba-client.py"]),
    .executableTarget(
      name: "RingScribbler", dependencies: ["LinuxIPC", "SharedRing"], path: "Tests/RingScribbler",
      swiftSettings: lifetimes),
    .executableTarget(name: "SectionLoader", dependencies: ["LinuxIPC"], path: "Tests/SectionLoader"),
    .target(name: "FuzzSupport", path: "Tests/FuzzSupport"),
    .executableTarget(
      name: "ResultsFuzzer", dependencies: ["FuzzSupport", "Comparing", "Results", "Analysis"],
      path: "Tests/ResultsFuzzer"),
    .executableTarget(
      name: "WireFuzzer", dependencies: ["FuzzSupport", "DCERPC", "NetBIOS"], path: "Tests/WireFuzzer"),
    .testTarget(name: "LinuxIPCTests", dependencies: ["LinuxIPC"]),
    .testTarget(
      name: "SharedRingTests", dependencies: ["SharedRing", "LinuxIPC", "RingScribbler", "TestSupport"],
      swiftSettings: lifetimes),
    .testTarget(name: "DCERPCTests", dependencies: ["DCERPC"]),
    .testTarget(name: "NetBIOSTests", dependencies: ["NetBIOS"]),
    .testTarget(name: "MeasurementTests", dependencies: ["Measurement", "LinuxIPC", histogram]),
    .testTarget(
      name: "ConformanceTests",
      dependencies: [
        "LinuxIPC", "IPCTransport", "Measurement", "Mechanisms", "ConformanceChecker", "TestSupport",
      ]),
    .testTarget(
      name: "MechanismsTests",
      dependencies: [
        "Harness", "LinuxIPC", "IPCTransport", "Measurement", "Mechanisms", "ipcbench", "SectionLoader",
        "ServiceChecker",
        "TestSupport",
      ]),
    .testTarget(
      name: "HarnessTests",
      dependencies: [
        "Harness", "LinuxIPC", "IPCTransport", "Measurement", "Mechanisms", "Comparing", "Results",
        "TestSupport",
      ]),
    .testTarget(name: "AnalysisTests", dependencies: ["Analysis"], exclude: ["Fixtures"]),
    .testTarget(
      name: "ResultsTests", dependencies: ["Results", "Analysis", histogram], exclude: ["Fixtures"]),
    .testTarget(name: "ComparingTests", dependencies: ["Comparing", "Results", "Analysis"]),
    .testTarget(name: "ReportingTests", dependencies: ["Reporting", "Comparing", "Results", histogram]),
    .testTarget(name: "ExportingTests", dependencies: ["Exporting", "Results", histogram]),
    .testTarget(name: "CommandTests", dependencies: ["ipcbench", "Results", "TestSupport"]),
  ],
  swiftLanguageModes: [.v6]
)
