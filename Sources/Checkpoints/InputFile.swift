import Glibc

/// An open file that is read at any position.
struct InputFile: ~Copyable {
    let path: String
    let byteCount: Int
    private let descriptor: FileDescriptor

    init(path: String) throws(CheckpointError) {
        let opened = try FileDescriptor(path: path, flags: O_RDONLY, operation: "open")
        var status = stat()
        guard fstat(opened.number, &status) == 0 else { throw .lastSystemError("inspect", path) }
        guard status.st_mode & S_IFMT == S_IFREG else {
            throw .system(operation: "read", path: path, reason: "it is not a regular file")
        }
        self.path = path
        byteCount = Int(status.st_size)
        descriptor = opened
    }

    /// Fills `bytes` from the given position. Throws if the file ends before.
    func read(into bytes: UnsafeMutableRawBufferPointer, at offset: Int) throws(CheckpointError) {
        var done = 0
        while done < bytes.count {
            let count = pread(
                descriptor.number, bytes.baseAddress.map { $0 + done }, bytes.count - done, off_t(offset + done))
            if count < 0 && errno == EINTR { continue }
            guard count >= 0 else { throw .lastSystemError("read", path) }
            guard count > 0 else {
                throw .damaged(path: path, reason: "it ends at byte \(offset + done), before what its header announces")
            }
            done += count
        }
    }

    /// Returns `count` bytes from the given position.
    func bytes(at offset: Int, count: Int) throws(CheckpointError) -> [UInt8] {
        var bytes = [UInt8](repeating: 0, count: count)
        let outcome = bytes.withUnsafeMutableBytes { buffer in
            Result { () throws(CheckpointError) in try read(into: buffer, at: offset) }
        }
        try outcome.get()
        return bytes
    }

    /// Returns the SHA-256 of the whole file.
    func hash() throws(CheckpointError) -> String {
        var hasher = SHA256Hasher()
        let piece = UnsafeMutableRawBufferPointer.allocate(byteCount: min(1 << 20, max(byteCount, 1)), alignment: 64)
        defer { piece.deallocate() }
        var offset = 0
        while offset < byteCount {
            let part = UnsafeMutableRawBufferPointer(rebasing: piece.prefix(byteCount - offset))
            try read(into: part, at: offset)
            hasher.update(UnsafeRawBufferPointer(part))
            offset += part.count
        }
        return hasher.finish()
    }
}
