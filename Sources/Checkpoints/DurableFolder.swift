import Foundation
import Glibc

/// Changes to folders that outlive a power failure once they return.
enum DurableFolder {
    /// Creates `path` and the folders above it.
    static func create(_ path: String) throws(CheckpointError) {
        do {
            try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
        } catch {
            throw .system(operation: "create", path: path, reason: reason(error))
        }
    }

    /// The system's own words where Foundation has none but a number.
    private static func reason(_ error: any Error) -> String {
        let underlying = (error as NSError).userInfo[NSUnderlyingErrorKey] as? NSError
        guard let underlying, underlying.domain == NSPOSIXErrorDomain else { return error.localizedDescription }
        return systemErrorText(Int32(underlying.code))
    }

    /// Removes `path` and all below it.
    static func remove(_ path: String) throws(CheckpointError) {
        do {
            try FileManager.default.removeItem(atPath: path)
        } catch {
            throw .system(operation: "remove", path: path, reason: error.localizedDescription)
        }
    }

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
