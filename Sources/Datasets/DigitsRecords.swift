/// Handwritten digits of 8 x 8 pixels as gzip-compressed text: a row is 64 values in 0...16, then the digit.
///
/// The embedded file has 1,797 of them: UCI "Optical Recognition of Handwritten Digits" (E. Alpaydin and C. Kaynak,
/// CC BY 4.0), the test part, as packaged by scikit-learn.
package enum DigitsRecords {
    static let side = 8
    static let values = 0...16
    static let digits = 0...9
    static var columnCount: Int { side * side + 1 }

    /// Returns the digits that are part of the program.
    package static func embedded() throws(DatasetError) -> LabelledImages {
        try decode(PackageResources.digits_csv_gz, source: "embedded digits")
    }

    /// Returns the digits in the file at `path`.
    package static func read(path: String) throws(DatasetError) -> LabelledImages {
        try decode(DataFile.bytes(path: path), source: path)
    }

    /// Decodes the bytes of a file; `source` names it in errors. A value v becomes v / 8 - 1.
    package static func decode(_ file: [UInt8], source: String) throws(DatasetError) -> LabelledImages {
        if IDXFile.isIDX(file) { throw .labelsNotNamed(source: source) }
        guard GzipDecoder.isGzip(file) else { throw .notGzip(source: source) }
        let (text, ending) = GzipDecoder.decode(file)
        if IDXFile.isIDX(text) { throw .labelsNotNamed(source: source) }
        let newline = UInt8(ascii: "\n")
        switch ending {
        case .complete: break
        case .truncated: throw .truncated(source: source, completeRows: text.count { $0 == newline })
        case .corrupt: throw .corrupt(source: source, completeRows: text.count { $0 == newline })
        }
        var pixels: [Float] = []
        var labels: [Int] = []
        for (index, row) in text.split(separator: newline).enumerated() {
            let (values, label) = try decodeRow(row, number: index + 1, source: source)
            pixels += values.map { Float($0) / 8 - 1 }
            labels.append(label)
        }
        guard !labels.isEmpty else { throw .empty(source: source) }
        return LabelledImages(
            pixels: pixels, labels: labels, height: side, width: side, channels: 1, classCount: digits.count)
    }

    private static func decodeRow(
        _ row: ArraySlice<UInt8>, number: Int, source: String
    ) throws(DatasetError) -> (values: [Int], label: Int) {
        let line = row.last == UInt8(ascii: "\r") ? row.dropLast() : row
        let columns = line.split(separator: UInt8(ascii: ","), omittingEmptySubsequences: false)
        guard columns.count == columnCount else {
            throw .wrongColumnCount(source: source, row: number, count: columns.count, expected: columnCount)
        }
        var parsed: [Int] = []
        for (index, column) in columns.enumerated() {
            let range = index < columnCount - 1 ? values : digits
            let text = String(decoding: column, as: UTF8.self)
            guard let value = Int(text), range.contains(value) else {
                throw .badValue(source: source, row: number, column: index + 1, text: text, range: range)
            }
            parsed.append(value)
        }
        return (Array(parsed.dropLast()), parsed[columnCount - 1])
    }
}
