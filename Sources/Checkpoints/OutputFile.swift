import Glibc

/// What writing a file took, seconds.
package struct WritingSeconds: Codable, Sendable, Equatable {
    /// All of it, with the flush to the disk.
    package var total = 0.0
    /// The part that went into hashing.
    package var hashing = 0.0

    /// Makes a measurement from its parts.
    package init(total: Double = 0, hashing: Double = 0) { (self.total, self.hashing) = (total, hashing) }
}

/// A new file that is hashed while it is written, and on the disk when `finish` returns.
struct OutputFile: ~Copyable {
    private let path: String
    private let descriptor: FileDescriptor
    private var hasher = SHA256Hasher()
    private(set) var byteCount = 0
    private var hashing = Duration.zero
    private let begun = ContinuousClock.now

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
        // Pieces that fit a cache: hashing leaves them there for the copy to the kernel.
        let pieceByteCount = 1 << 18
        var rest = bytes[...]
        while !rest.isEmpty {
            let piece = UnsafeRawBufferPointer(rebasing: rest.prefix(pieceByteCount))
            hashing += ContinuousClock().measure { hasher.update(piece) }
            try writeAll(piece)
            rest = rest.dropFirst(piece.count)
        }
        byteCount += bytes.count
    }

    private func writeAll(_ bytes: UnsafeRawBufferPointer) throws(CheckpointError) {
        var written = 0
        while written < bytes.count {
            let count = Glibc.write(descriptor.number, bytes.baseAddress.map { $0 + written }, bytes.count - written)
            if count < 0 && errno == EINTR { continue }
            guard count > 0 else { throw .lastSystemError("write", path) }
            written += count
        }
    }

    /// Forces the content to the disk and returns its SHA-256, and what it all took.
    consuming func finish() throws(CheckpointError) -> (sha256: String, seconds: WritingSeconds) {
        guard fsync(descriptor.number) == 0 else { throw .lastSystemError("flush", path) }
        let seconds = WritingSeconds(total: (ContinuousClock.now - begun) / .seconds(1), hashing: hashing / .seconds(1))
        return (hasher.finish(), seconds)
    }
}
