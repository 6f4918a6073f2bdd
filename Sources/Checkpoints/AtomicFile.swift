import Foundation
import Glibc

/// Writing a file so that a reader, or a crash at any moment, finds either the old content or the new one.
package enum AtomicFile {
    /// Replaces the file at `path`, or creates it. The content is on the disk when this returns.
    package static func write(_ bytes: [UInt8], to path: String) throws(CheckpointError) {
        let temporary = temporaryPath(for: path)
        do {
            _ = try writeDurably(bytes, to: temporary)
            try DurableFolder.rename(temporary, to: path)
        } catch {
            unlink(temporary)
            throw error
        }
    }

    /// A hidden name beside `path` that no other process uses.
    static func temporaryPath(for path: String) -> String {
        let (folder, name) = ((path as NSString).deletingLastPathComponent, (path as NSString).lastPathComponent)
        return (folder as NSString).appendingPathComponent(".\(name).\(getpid())")
    }

    /// Replaces the file at `path` by `text` in UTF-8, or creates it.
    package static func write(_ text: String, to path: String) throws(CheckpointError) {
        try write(Array(text.utf8), to: path)
    }
}

/// Creates a file whose bytes, but not yet its name, are on the disk. Returns the SHA-256.
func writeDurably(_ bytes: [UInt8], to path: String) throws(CheckpointError) -> String {
    var file = try OutputFile(path: path)
    try file.write(bytes)
    try file.finish()
    return bytes.withUnsafeBytes { SHA256Hasher.hash(of: $0) }
}
