/// A safetensors file that is open for reading. Every length in it is checked before it is used.
///
/// Layout: 8 bytes of header length (little-endian), the JSON header, then the tensors' values without gaps, in the
/// byte order of the machines we run on.
package final class SafetensorsFile {
    /// The tensors by name.
    package let entries: [String: SafetensorsEntry]
    /// Free text of the writer.
    package let metadata: [String: String]
    private let file: InputFile
    private let dataOffset: Int

    /// The largest header that is accepted, in bytes; the reference implementation's limit.
    static let headerByteCountMax = 100_000_000
    static let lengthByteCount = 8

    /// Opens the file and reads its header.
    package init(path: String) throws(CheckpointError) {
        file = try InputFile(path: path)
        guard file.byteCount >= Self.lengthByteCount else {
            throw .damaged(path: path, reason: "\(file.byteCount) bytes are too few for a safetensors file")
        }
        let length = try file.bytes(at: 0, count: Self.lengthByteCount).reversed().reduce(UInt64(0)) {
            $0 << 8 | UInt64($1)
        }
        guard length <= UInt64(min(Self.headerByteCountMax, file.byteCount - Self.lengthByteCount)) else {
            throw .damaged(path: path, reason: "a header of \(length) bytes in a file of \(file.byteCount)")
        }
        dataOffset = Self.lengthByteCount + Int(length)
        let json = try file.bytes(at: Self.lengthByteCount, count: Int(length))
        do {
            let header = try SafetensorsHeader(json: json, dataByteCount: file.byteCount - dataOffset)
            entries = header.entries
            metadata = header.metadata
        } catch {
            throw .damaged(path: path, reason: error.reason)
        }
    }

    /// Where it is.
    package var path: String { file.path }

    /// Returns the SHA-256 of the whole file, as 64 lower-case hexadecimal digits.
    package func sha256() throws(CheckpointError) -> String { try file.hash() }

    /// Throws `mismatch`, which names the first difference, unless the file holds these float32 tensors and no others.
    package func checkHolds(exactly wanted: [(name: String, shape: [Int])]) throws(CheckpointError) {
        var others = Set(entries.keys)
        for (name, shape) in wanted {
            let entry = try entry(name, type: .float32)
            guard entry.shape == shape else {
                throw .mismatch(path: path, reason: "tensor \(name) has shape \(entry.shape), not \(shape)")
            }
            others.remove(name)
        }
        if let first = others.min() {
            throw .mismatch(path: path, reason: "it has a tensor \(first), which is not wanted")
        }
    }

    /// Returns the values of a tensor. Throws if there is none of that name with that element type.
    package func values<Element: SafetensorsElement>(
        _ name: String, as type: Element.Type = Element.self
    ) throws(CheckpointError) -> [Element] {
        let entry = try entry(name, type: Element.elementType)
        var outcome = Result<Void, CheckpointError>.success(())
        let values = [Element](unsafeUninitializedCapacity: entry.elementCount) { buffer, count in
            let bytes = UnsafeMutableRawBufferPointer(buffer).prefix(entry.byteRange.count)
            outcome = Result { () throws(CheckpointError) in
                let position = dataOffset + entry.byteRange.lowerBound
                try file.read(into: UnsafeMutableRawBufferPointer(rebasing: bytes), at: position)
            }
            if case .success = outcome { count = entry.elementCount }
        }
        try outcome.get()
        return values
    }

    /// Overwrites `destination` by the float32 tensor of its name. Throws if there is none of that shape.
    package func read(_ destination: TensorDestination) throws(CheckpointError) {
        let entry = try entry(destination.name, type: .float32)
        guard entry.shape == destination.shape else {
            throw .mismatch(
                path: file.path,
                reason: "tensor \(destination.name) has shape \(entry.shape), not \(destination.shape)")
        }
        let bytes = UnsafeMutableRawBufferPointer(destination.elements)
        try file.read(into: bytes, at: dataOffset + entry.byteRange.lowerBound)
    }

    private func entry(_ name: String, type: ElementType) throws(CheckpointError) -> SafetensorsEntry {
        guard let entry = entries[name] else {
            throw .mismatch(path: file.path, reason: "it has no tensor \(name)")
        }
        guard entry.type == type else {
            throw .mismatch(path: file.path, reason: "tensor \(name) is \(entry.type.rawValue), not \(type.rawValue)")
        }
        return entry
    }
}

/// A Swift type that is stored as it is in memory.
package protocol SafetensorsElement: BitwiseCopyable {
    /// The format's name for the type.
    static var elementType: ElementType { get }
}

extension Float: SafetensorsElement {
    /// F32.
    package static var elementType: ElementType { .float32 }
}

extension Double: SafetensorsElement {
    /// F64.
    package static var elementType: ElementType { .float64 }
}

extension Int64: SafetensorsElement {
    /// I64.
    package static var elementType: ElementType { .int64 }
}
