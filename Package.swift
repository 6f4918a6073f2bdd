// swift-tools-version: 6.2
import PackageDescription

// The instruction set to build for: DMD2_MARCH=x86-64-v3 swift build … . The programs compare it with the
// machine's processor when they start.
let march = Context.environment["DMD2_MARCH"] ?? "native"

let settings: [SwiftSetting] = [
    .swiftLanguageMode(.v6),
    .treatAllWarnings(as: .error),
    .enableUpcomingFeature("ExistentialAny"),  // a dynamic dispatch is visible where it happens
    .enableUpcomingFeature("MemberImportVisibility"),  // a file names every module it uses
    .enableUpcomingFeature("InternalImportsByDefault"),  // C types cannot leak through a signature
    // One flag for all modules: the importer caches C modules per flag set, and inlined SIMD code needs it.
    .unsafeFlags(["-Xcc", "-march=\(march)"]),
]
// The scheduling machines touch no pointer at all, and the compiler proves it.
let safeSettings = settings + [.strictMemorySafety()]
// Loops over pixels are 10 to 300 times slower at -Onone, which would make debug tests useless.
let hotSettings = settings + [.unsafeFlags(["-O"], .when(configuration: .debug))]

func library(
    _ name: String, _ dependencies: [Target.Dependency] = [], _ swiftSettings: [SwiftSetting] = settings,
    resources: [Resource]? = nil
) -> Target {
    .target(name: name, dependencies: dependencies, resources: resources, swiftSettings: swiftSettings)
}

func program(_ name: String, _ dependencies: [Target.Dependency]) -> Target {
    .executableTarget(name: name, dependencies: dependencies, swiftSettings: settings)
}

func tests(_ module: String, _ dependencies: [Target.Dependency] = [], resources: [Resource]? = nil) -> Target {
    .testTarget(
        name: module + "Tests", dependencies: [.byName(name: module)] + dependencies, resources: resources,
        swiftSettings: settings)
}

let flyingFox = [
    Target.Dependency.product(name: "FlyingFox", package: "FlyingFox"),
    .product(name: "FlyingSocks", package: "FlyingFox"),
]
let argumentParser = Target.Dependency.product(name: "ArgumentParser", package: "swift-argument-parser")
let logging = Target.Dependency.product(name: "Logging", package: "swift-log")
let subprocess = Target.Dependency.product(name: "Subprocess", package: "swift-subprocess")
let systemPackage = Target.Dependency.product(name: "SystemPackage", package: "swift-system")  // Subprocess's FilePath
let yams = Target.Dependency.product(name: "Yams", package: "Yams")

let package = Package(
    name: "swift-dmd2",
    dependencies: [
        .package(url: "https://github.com/apple/swift-argument-parser", exact: "1.8.2"),
        .package(url: "https://github.com/apple/swift-log", exact: "1.16.2"),
        .package(url: "https://github.com/jpsim/Yams", exact: "6.2.2"),
        .package(url: "https://github.com/swiftlang/swift-subprocess", exact: "1.0.2"),
        .package(url: "https://github.com/swhitty/FlyingFox", exact: "0.27.1"),
        .package(url: "https://github.com/apple/swift-system", exact: "1.8.1"),
    ],
    targets: [
        // Level 0: C libraries. A module map and header-only shims; each has exactly one Swift importer.
        .systemLibrary(name: "COpenMPI", pkgConfig: "ompi-c"),
        .systemLibrary(name: "CZeroMQ"),
        .systemLibrary(name: "COpenBLAS"),
        .systemLibrary(name: "COneDNN"),
        .systemLibrary(name: "COpenMP"),
        .systemLibrary(name: "CVector"),
        .systemLibrary(name: "CPNG"),
        .systemLibrary(name: "CZlib"),
        .systemLibrary(name: "COpenSSL"),
        .systemLibrary(name: "CSQLite"),
        .systemLibrary(name: "CLinux"),
        .systemLibrary(name: "CMalloc"),
        // Level 1
        library("Kernels", ["COpenBLAS", "COneDNN", "COpenMP", "CVector"], hotSettings),
        library("Communication", ["COpenMPI"], hotSettings),
        library("Messaging", ["CZeroMQ"]),
        library("Coordination", [], safeSettings),
        library("Journal", ["CSQLite"]),
        // Level 2
        library("Tensors", ["Kernels", "CMalloc"], hotSettings),
        // Level 3
        library("Layers", ["Tensors", "Kernels"], hotSettings),
        library("Datasets", ["CZlib"], resources: [.embedInCode("Resources/digits.csv.gz")]),
        library("Checkpoints", ["COpenSSL"]),
        // Level 4
        library("Diffusion", ["Layers", "Tensors", "Kernels"], hotSettings),
        // Level 5
        library("Distillation", ["Diffusion", "Layers", "Tensors", "Kernels"]),
        library("Evaluation", ["Layers", "Tensors", "Kernels", "CPNG"]),
        // Level 6
        library(
            "Training",
            [
                "Distillation", "Evaluation", "Diffusion", "Layers", "Tensors", "Kernels", "Datasets", "Checkpoints",
                "Communication", "Messaging", "Coordination", "Journal", yams, logging,
            ]),
        // Level 7
        library("CommandLineOptions", ["Training", argumentParser]),
        // Level 8
        program(
            "dmd2",
            [
                "CommandLineOptions", "Training", "Evaluation", "Distillation", "Diffusion", "Coordination",
                "Communication", "Messaging", "Journal", "Checkpoints", "Kernels", argumentParser, subprocess,
                systemPackage,
            ]),
        program(
            "dmd2-coordinator",
            [
                "CLinux", "CommandLineOptions", "Training", "Coordination", "Messaging", "Journal", "Checkpoints",
                "Kernels", argumentParser, logging, subprocess, systemPackage,
            ] + flyingFox),
        program(
            "dmd2-worker",
            [
                "CommandLineOptions", "Training", "Coordination", "Communication", "Checkpoints", "Kernels",
                argumentParser,
                logging,
            ]),
        // Tests, in the order of the modules, and what several of them need
        .target(name: "TestSupport", path: "Tests/TestSupport", swiftSettings: settings),
        tests("Kernels"),
        tests("Communication"),
        tests("Messaging"),
        tests("Coordination", ["TestSupport"]),
        tests("Journal"),
        tests("Tensors", ["Kernels"]),
        tests("Layers", ["Tensors"]),
        tests("Datasets"),
        tests("Checkpoints"),
        tests("Diffusion", ["Layers", "Tensors"]),
        tests(
            "Distillation", ["Diffusion", "Layers", "Tensors", "Kernels", "Checkpoints"],
            resources: [.copy("Fixtures")]),
        tests("Evaluation", ["Layers", "Tensors"]),
        tests(
            "Training",
            [
                "Distillation", "Evaluation", "Diffusion", "Layers", "Tensors", "Kernels", "Datasets", "Checkpoints",
                "Communication", "Coordination", "Messaging", "Journal", "TestSupport", logging,
            ]),
        tests("dmd2", ["Checkpoints", "Coordination", "Journal", "Messaging", "Training"]),
        .testTarget(
            name: "IntegrationTests",
            dependencies: ["Coordination", "Journal", "Messaging", "Checkpoints", "TestSupport"],
            swiftSettings: settings),
    ]
)
