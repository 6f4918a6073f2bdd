import Foundation
import Training

/// A run folder that goes away with this value.
final class TemporaryRun: Sendable {
    let folder = FileManager.default.temporaryDirectory.appendingPathComponent("run-\(UUID().uuidString)").path

    var layout: RunFolderLayout { RunFolderLayout(folder) }

    deinit { try? FileManager.default.removeItem(atPath: folder) }

    /// A configuration whose run is in the folder.
    func configuration() -> RunConfiguration {
        var configuration = RunConfiguration(name: "test")
        configuration.run.folder = folder
        return configuration
    }

    /// The folder, owned by the caller.
    func owned(fresh: Bool = false) throws -> OwnedRunFolder {
        try OwnedRunFolder(configuration: configuration(), fresh: fresh)
    }
}
