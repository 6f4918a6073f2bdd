import Foundation

/// A tensor of a fixture, widened to double.
struct StoredTensor {
    let shape: [Int]
    /// In the stored order, last index fastest.
    let values: [Double]

    /// All tensors of a safetensors file.
    static func readAll(_ file: URL) throws -> [String: StoredTensor] {
        struct Entry: Decodable {
            let dtype: String, shape: [Int], data_offsets: [Int]
        }
        let data = try Data(contentsOf: file)
        let headerCount = Int(data.withUnsafeBytes { $0.loadUnaligned(as: UInt64.self) })
        let header = try JSONDecoder().decode([String: Entry].self, from: data[8..<8 + headerCount])
        return try header.mapValues { entry in
            let range = 8 + headerCount + entry.data_offsets[0]..<8 + headerCount + entry.data_offsets[1]
            let values: [Double] = try data[range].withUnsafeBytes { bytes in
                switch entry.dtype {
                case "F32": read(bytes, Float.self).map { Double($0) }
                case "F64": read(bytes, Double.self)
                case "I64": read(bytes, Int64.self).map { Double($0) }
                default: throw FixtureError("dtype \(entry.dtype) is not supported")
                }
            }
            return StoredTensor(shape: entry.shape, values: values)
        }
    }

    private static func read<Element: BitwiseCopyable>(
        _ bytes: UnsafeRawBufferPointer, _ type: Element.Type
    ) -> [Element] {
        let size = MemoryLayout<Element>.size
        return (0..<bytes.count / size).map { bytes.loadUnaligned(fromByteOffset: $0 * size, as: type) }
    }
}
