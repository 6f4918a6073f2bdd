import Glibc

/// What identifies the content of a file.
package struct FileFingerprint: Codable, Sendable, Equatable {
    /// The length in bytes.
    package var byteCount: Int
    /// SHA-256 as 64 hexadecimal digits.
    package var sha256: String

    /// Makes a fingerprint from its parts.
    package init(byteCount: Int, sha256: String) {
        self.byteCount = byteCount
        self.sha256 = sha256
    }
}

extension SafetensorsFile {
    /// How far the writing of a file has come.
    enum WritingProgress {
        case halfWritten
        case written
    }

    /// Writes `tensors`, in the order given, straight from their memory, and hashes them meanwhile.
    ///
    /// The content is on the disk when this returns; a new file's name is once its folder is flushed.
    /// Traps if two tensors share a name.
    package static func write(
        _ tensors: [TensorView], metadata: [String: String] = [:], to path: String
    ) throws(CheckpointError) -> FileFingerprint {
        try write(tensors, metadata: metadata, to: path) { _ in }.0
    }

    /// The same; `reached` is told half-way, and when all is written and nothing flushed, and may stop it by an error.
    static func write(
        _ tensors: [TensorView], metadata: [String: String] = [:], to path: String,
        reached: (WritingProgress) throws(CheckpointError) -> Void
    ) throws(CheckpointError) -> (FileFingerprint, WritingSeconds) {
        var header = SafetensorsHeader(metadata: metadata)
        var end = 0
        for tensor in tensors {
            let start = end
            end += tensor.elements.count * ElementType.float32.byteCount
            let entry = SafetensorsEntry(type: .float32, shape: tensor.shape, byteRange: start..<end)
            let former = header.entries.updateValue(entry, forKey: tensor.name)
            precondition(former == nil, "safetensors: two tensors are called \(tensor.name)")
        }
        let begun = ContinuousClock.now
        let beginning = try headerBytes(header, path: path)
        var file = try OutputFile(path: path)
        let hash = BackgroundHash(of: beginning, tensors.map { UnsafeRawBufferPointer($0.elements) })
        defer { hash.finish() }
        try file.write(beginning)
        for (index, tensor) in tensors.enumerated() {
            if index == tensors.count / 2 { try reached(.halfWritten) }
            try file.write(UnsafeRawBufferPointer(tensor.elements))
        }
        try reached(.written)
        let byteCount = file.byteCount
        try file.finish()
        let flushed = ContinuousClock.now
        let sha256 = hash.finish()
        let hashed = ContinuousClock.now
        let seconds = WritingSeconds(
            total: (hashed - begun) / .seconds(1), hashing: hash.processorSeconds,
            waitingForHash: (hashed - flushed) / .seconds(1))
        return (FileFingerprint(byteCount: byteCount, sha256: sha256), seconds)
    }

    /// The same, under a temporary name that then becomes `path`: a reader, or a crash at any moment, finds the old file
    /// or the new one, whole.
    package static func replace(
        _ path: String, by tensors: [TensorView], metadata: [String: String] = [:]
    ) throws(CheckpointError) -> FileFingerprint {
        let temporary = AtomicFile.temporaryPath(for: path)
        do {
            let fingerprint = try write(tensors, metadata: metadata, to: temporary)
            try DurableFolder.rename(temporary, to: path)
            return fingerprint
        } catch {
            unlink(temporary)
            throw error
        }
    }

    private static func headerBytes(_ header: SafetensorsHeader, path: String) throws(CheckpointError) -> [UInt8] {
        do {
            let json = try header.encoded()
            return (0..<lengthByteCount).map { UInt8(truncatingIfNeeded: json.count >> (8 * $0)) } + json
        } catch {
            throw .system(operation: "write", path: path, reason: error.reason)
        }
    }
}
