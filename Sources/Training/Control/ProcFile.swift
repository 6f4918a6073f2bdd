import Glibc

/// A small file of `/proc`, which is read again and again beside the training: by three system calls, and into the stack.
enum ProcFile {
    /// What `body` makes of the file's bytes; nil if it cannot be read, or `body` says so.
    static func read<Result>(_ path: String, _ body: (Slice<UnsafeMutableRawBufferPointer>) -> Result?) -> Result? {
        let file = open(path, O_RDONLY | O_CLOEXEC)
        guard file >= 0 else { return nil }
        defer { close(file) }
        return withUnsafeTemporaryAllocation(byteCount: 1024, alignment: 1) { buffer in
            let count = Glibc.read(file, buffer.baseAddress, buffer.count)
            return count > 0 ? body(buffer[..<count]) : nil
        }
    }
}
