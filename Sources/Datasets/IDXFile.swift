/// An array of bytes in IDX, the format of MNIST's files (LeCun, Cortes and Burges 1998), gzip-compressed or not.
///
/// The format: two zero bytes, the type of the values (8: unsigned bytes, the only one read here), the number of
/// dimensions, each dimension's size as four bytes, the highest first; then the values, the last dimension running
/// fastest, and nothing after them.
struct IDXFile {
    /// The sizes of the dimensions.
    let sizes: [Int]
    /// The values, as many as the product of the sizes.
    let values: ArraySlice<UInt8>

    private static let unsignedBytes: UInt8 = 8

    /// True for the first bytes of an IDX file of unsigned bytes.
    static func isIDX(_ bytes: [UInt8]) -> Bool { bytes.starts(with: [0, 0, unsignedBytes]) }

    /// Decodes the bytes of a file with so many dimensions; `source` names it in errors.
    ///
    /// Throws: `notIDX` if it begins otherwise, `truncatedFile`, `corruptFile` or `excess` where the content is not what
    /// header and checksum say, `empty` if a size is zero.
    init(_ file: [UInt8], source: String, dimensions: ClosedRange<Int>) throws(DatasetError) {
        let (content, ending) = GzipDecoder.isGzip(file) ? GzipDecoder.decode(file) : (file, .complete)
        if ending == .corrupt { throw .corruptFile(source: source) }
        guard content.count >= 4 else {
            throw ending == .truncated
                ? .truncatedFile(source: source, byteCount: content.count)
                : .notIDX(source: source, start: Self.text(content), dimensions: dimensions)
        }
        let dimensionCount = Int(content[3])
        guard Self.isIDX(content), dimensions.contains(dimensionCount) else {
            throw .notIDX(source: source, start: Self.text(Array(content.prefix(4))), dimensions: dimensions)
        }
        let headerCount = 4 + 4 * dimensionCount
        guard content.count >= headerCount else { throw .truncatedFile(source: source, byteCount: content.count) }
        let sizes = (0..<dimensionCount).map { dimension in
            content[4 + 4 * dimension..<8 + 4 * dimension].reduce(0) { $0 << 8 | Int($1) }
        }
        guard !sizes.contains(0) else { throw .empty(source: source) }
        // Sizes are below 2^32: where the product of two overflows, the file is shorter than it says in any case.
        let valueCount = sizes.reduce(1) { product, size in
            let (next, overflows) = product.multipliedReportingOverflow(by: size)
            return overflows ? Int.max >> 1 : next
        }
        guard ending == .complete, content.count - headerCount >= valueCount else {
            throw .truncatedFile(source: source, byteCount: content.count)
        }
        guard content.count - headerCount == valueCount else {
            throw .excess(source: source, byteCount: content.count - headerCount - valueCount)
        }
        self.sizes = sizes
        values = content[headerCount...]
    }

    private static func text(_ bytes: [UInt8]) -> String {
        bytes.isEmpty ? "nothing" : bytes.map(String.init).joined(separator: " ")
    }
}
