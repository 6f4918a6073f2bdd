import Foundation
import Glibc

/// Changes to folders that outlive a power failure once they return.
package enum DurableFolder {
    /// Creates `path` and the folders above it, as far as they are missing.
    package static func create(_ path: String) throws(CheckpointError) {
        guard !isFolder(path) else { return }
        let parent = (path as NSString).deletingLastPathComponent
        if !parent.isEmpty, !exists(parent) { try create(parent) }
        guard mkdir(path, 0o777) != 0 else { return }
        let error = CheckpointError.lastSystemError("create", path)
        // Another process may just have made it.
        if !isFolder(path) { throw error }
    }

    private static func isFolder(_ path: String) -> Bool {
        var isFolder: ObjCBool = false
        return FileManager.default.fileExists(atPath: path, isDirectory: &isFolder) && isFolder.boolValue
    }

    /// Removes `path` and all below it, if it is there.
    static func remove(_ path: String) throws(CheckpointError) {
        for attempt in 1...removalAttempts {
            guard exists(path) else { return }
            do {
                try FileManager.default.removeItem(atPath: path)
                return
            } catch {
                // A save that is given up may be removed by its coordinator and by the next launch at once: each finds
                // names gone.
                guard attempt == removalAttempts, exists(path) else { continue }
                throw .system(operation: "remove", path: path, reason: error.localizedDescription)
            }
        }
    }

    private static let removalAttempts = 3

    /// The names in `path`; none if it does not exist.
    static func names(in path: String) throws(CheckpointError) -> [String] {
        guard exists(path) else { return [] }
        do {
            return try FileManager.default.contentsOfDirectory(atPath: path)
        } catch {
            throw .system(operation: "list", path: path, reason: error.localizedDescription)
        }
    }

    static func exists(_ path: String) -> Bool {
        FileManager.default.fileExists(atPath: path)
    }

    /// Moves within one folder; a power failure may undo it until the folder is flushed.
    static func move(_ source: String, to destination: String) throws(CheckpointError) {
        guard Glibc.rename(source, destination) == 0 else { throw .lastSystemError("rename", source) }
    }

    /// Moves within one folder and forces the folder to the disk.
    static func rename(_ source: String, to destination: String) throws(CheckpointError) {
        try move(source, to: destination)
        try flush((destination as NSString).deletingLastPathComponent)
    }

    /// Forces the list of names in `path` to the disk.
    static func flush(_ path: String) throws(CheckpointError) {
        let folder = path.isEmpty ? "." : path
        let descriptor = try FileDescriptor(path: folder, flags: O_RDONLY | O_DIRECTORY, operation: "open")
        guard fsync(descriptor.number) == 0 else { throw .lastSystemError("flush", folder) }
    }
}
