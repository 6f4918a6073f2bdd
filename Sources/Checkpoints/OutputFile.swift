import Glibc

/// What writing a file took, seconds.
package struct WritingSeconds: Codable, Sendable, Equatable {
    /// All of it, with the flush to the disk.
    package var total = 0.0
    /// Processor time of the thread that hashes beside it.
    package var hashing = 0.0
    /// The part of all in which everything was on the disk and the hash not yet known.
    package var waitingForHash = 0.0

    /// Makes a measurement from its parts.
    package init(total: Double = 0, hashing: Double = 0, waitingForHash: Double = 0) {
        (self.total, self.hashing, self.waitingForHash) = (total, hashing, waitingForHash)
    }

    /// One after the other.
    package static func + (first: WritingSeconds, second: WritingSeconds) -> WritingSeconds {
        WritingSeconds(
            total: first.total + second.total, hashing: first.hashing + second.hashing,
            waitingForHash: first.waitingForHash + second.waitingForHash)
    }
}

/// A new file that is on the disk when `finish` returns.
struct OutputFile: ~Copyable {
    private let path: String
    private let descriptor: FileDescriptor
    private(set) var byteCount = 0

    /// Creates the file, or empties an existing one.
    init(path: String) throws(CheckpointError) {
        descriptor = try FileDescriptor(path: path, flags: O_WRONLY | O_CREAT | O_TRUNC, operation: "create")
        self.path = path
    }

    mutating func write(_ bytes: [UInt8]) throws(CheckpointError) {
        let outcome = bytes.withUnsafeBytes { buffer in
            Result { () throws(CheckpointError) in try write(buffer) }
        }
        try outcome.get()
    }

    mutating func write(_ bytes: UnsafeRawBufferPointer) throws(CheckpointError) {
        var written = 0
        while written < bytes.count {
            let count = Glibc.write(descriptor.number, bytes.baseAddress.map { $0 + written }, bytes.count - written)
            if count < 0 && errno == EINTR { continue }
            guard count > 0 else { throw .lastSystemError("write", path) }
            written += count
        }
        byteCount += bytes.count
    }

    /// Forces the content to the disk.
    consuming func finish() throws(CheckpointError) {
        guard fsync(descriptor.number) == 0 else { throw .lastSystemError("flush", path) }
    }
}
