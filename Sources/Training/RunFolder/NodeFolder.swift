package import Checkpoints
import Foundation

/// The folder on one machine's own disk for the saves in between of a run.
package struct NodeFolder: Sendable {
    /// What `checkpoints.nodeFolder` says, with the machine's name in it.
    package let path: String

    /// The one of a machine; nil if the configuration asks for no such saves.
    package init?(_ configuration: CheckpointConfiguration, machine: String) {
        guard !configuration.nodeFolder.isEmpty else { return nil }
        path = configuration.nodeFolder.replacingOccurrences(of: "{host}", with: machine)
    }

    /// The files of a stage of the run in `runFolder`. Runs of one name in different folders must not meet: the folder
    /// names the run.
    package func shards(of stage: String, runFolder: String) -> NodeShards {
        let run = URL(fileURLWithPath: runFolder).standardizedFileURL.path
        let key = Array(run.utf8).withUnsafeBytes { SHA256Hasher.hash(of: $0) }.prefix(16)
        return NodeShards(folder: "\(path)/dmd2-\(key)/\(stage)")
    }

    /// Makes the folder on this machine, which is the folder's. Throws `RunFolderError.nodeFolderUnusable` if it refuses.
    package func make() throws(RunFolderError) {
        do {
            try DurableFolder.create(path)
        } catch {
            throw .nodeFolderUnusable(folder: path, reason: "\(error)")
        }
        try check()
    }

    /// Throws `RunFolderError.nodeFolderUnusable` if this machine, which is the folder's, would refuse to write there, as far
    /// as can be told without trying.
    package func check() throws(RunFolderError) {
        if let reason = NearestFolder(to: path).problem { throw .nodeFolderUnusable(folder: path, reason: reason) }
    }
}
