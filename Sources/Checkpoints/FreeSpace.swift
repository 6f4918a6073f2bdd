import Glibc

/// How much can still be written where a folder is.
package enum FreeSpace {
    /// What a checkpoint leaves free, bytes: the journal and the logs are on the same disk and must go on.
    package static let reserveByteCount = 16 << 20

    /// The bytes that are free to this user on the file system of `path`.
    package static func byteCount(at path: String) throws(CheckpointError) -> Int {
        var status = statvfs()
        guard statvfs(path, &status) == 0 else { throw .lastSystemError("inspect the file system of", path) }
        return Int(clamping: UInt64(status.f_bavail) * UInt64(status.f_frsize))
    }

    /// Throws `noSpace` unless `byteCount` bytes and the reserve are free at `path`.
    static func check(for byteCount: Int, at path: String) throws(CheckpointError) {
        let free = try Self.byteCount(at: path)
        guard free >= byteCount + reserveByteCount else {
            throw .noSpace(path: path, neededByteCount: byteCount + reserveByteCount, freeByteCount: free)
        }
    }
}
