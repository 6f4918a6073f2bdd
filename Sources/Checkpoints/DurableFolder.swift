import Foundation
package import Glibc

/// Changes to folders that outlive a power failure once they return.
package enum DurableFolder {
    /// Creates `path`, with these permissions, and the folders above it, as far as they are missing.
    package static func create(_ path: String, mode: mode_t = 0o777) throws(CheckpointError) {
        guard !isFolder(path) else { return }
        let parent = (path as NSString).deletingLastPathComponent
        if !parent.isEmpty, !exists(parent) { try create(parent) }
        guard mkdir(path, mode) != 0 else { return try flushIfReadable(parent) }
        let error = CheckpointError.lastSystemError("create", path)
        // Another process may just have made it.
        if !isFolder(path) { throw error }
    }

    /// A folder in which one may create but not look cannot be opened, and so not be flushed.
    private static func flushIfReadable(_ path: String) throws(CheckpointError) {
        if access(path.isEmpty ? "." : path, R_OK) == 0 { try flush(path) }
    }

    private static func isFolder(_ path: String) -> Bool {
        var isFolder: ObjCBool = false
        return FileManager.default.fileExists(atPath: path, isDirectory: &isFolder) && isFolder.boolValue
    }

    /// Removes `path` and all below it. What is not there, or what another remover takes at the same moment, is removed:
    /// the coordinator and the next launch may give up the same save at once.
    static func remove(_ path: String) throws(CheckpointError) {
        guard unlink(path) != 0, errno != ENOENT else { return }
        guard errno == EISDIR else { throw .lastSystemError("remove", path) }
        for attempt in 1...removalAttempts {
            for name in try names(in: path) { try remove("\(path)/\(name)") }
            guard rmdir(path) != 0, errno != ENOENT else { return }
            // A rank that has not heard yet that the save is given up may have added its file.
            guard errno == ENOTEMPTY, attempt < removalAttempts else { throw .lastSystemError("remove", path) }
        }
    }

    private static let removalAttempts = 3

    /// The names in `path`; none if it does not exist.
    static func names(in path: String) throws(CheckpointError) -> [String] {
        do {
            return try FileManager.default.contentsOfDirectory(atPath: path)
        } catch CocoaError.fileReadNoSuchFile {
            return []
        } catch {
            throw .system(operation: "list", path: path, reason: error.localizedDescription)
        }
    }

    static func exists(_ path: String) -> Bool {
        FileManager.default.fileExists(atPath: path)
    }

    /// True if there is nothing at `path`; false where the system does not say, as when a file server does not answer.
    static func isAbsent(_ path: String) -> Bool {
        var found = stat()
        return stat(path, &found) != 0 && (errno == ENOENT || errno == ENOTDIR)
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
