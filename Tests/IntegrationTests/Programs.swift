import Foundation

/// Where the programs are: ours beside the test bundle, others in PATH.
enum Programs {
    private static let ours = ["dmd2", "dmd2-coordinator", "dmd2-worker"]

    static func path(_ name: String) -> String {
        if ours.contains(name) { return products + "/" + name }
        let folders = (ProcessInfo.processInfo.environment["PATH"] ?? "/usr/bin:/bin").split(separator: ":")
        return folders.map { "\($0)/\(name)" }.first(where: FileManager.default.isExecutableFile(atPath:)) ?? name
    }

    /// The test bundle is an executable in the folder of the build's products.
    private static var products: String {
        let own = (try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe")) ?? ""
        return URL(fileURLWithPath: own).deletingLastPathComponent().path
    }
}
