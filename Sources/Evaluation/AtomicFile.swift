import Glibc

/// Files that appear complete or not at all.
enum AtomicFile {
    /// Writes `bytes` to `path` through a temporary file beside it, synced before it takes the name.
    ///
    /// Throws: when the folder cannot be written or the disk is full; the file of that name, if any, is then unchanged.
    static func write(_ bytes: [UInt8], to path: String) throws(EvaluationError) {
        let temporary = "\(path).partial-\(getpid())"
        do throws(SystemError) {
            let file = open(temporary, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o644)
            guard file >= 0 else { throw SystemError.last }
            defer { close(file) }
            try writeAll(bytes, to: file)
            guard fsync(file) == 0, rename(temporary, path) == 0 else { throw SystemError.last }
        } catch {
            unlink(temporary)
            throw EvaluationError.fileNotWritten(path: path, reason: error.reason)
        }
    }

    private static func writeAll(_ bytes: [UInt8], to file: Int32) throws(SystemError) {
        var written = 0
        while written < bytes.count {
            let count = bytes.withUnsafeBytes {
                Glibc.write(file, $0.baseAddress.map { $0 + written }, $0.count - written)
            }
            if count < 0 && errno == EINTR { continue }
            guard count > 0 else { throw SystemError.last }
            written += count
        }
    }
}

/// What the last failed system call said.
private struct SystemError: Error {
    let reason: String
    static var last: SystemError { SystemError(reason: String(cString: strerror(errno))) }
}
