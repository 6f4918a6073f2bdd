/// Why a file of records cannot be used. Rows, columns and records count from 1.
package enum DatasetError: Error, Sendable, Equatable, CustomStringConvertible {
    /// The file is not there or cannot be read.
    case unreadable(path: String, reason: String)
    /// The file does not begin as gzip does.
    case notGzip(source: String)
    /// The compressed data ends early.
    case truncated(source: String, completeRows: Int)
    /// The compressed data contradicts its own checksum or format.
    case corrupt(source: String, completeRows: Int)
    /// There is not a single record.
    case empty(source: String)
    /// A row has too few or too many columns.
    case wrongColumnCount(source: String, row: Int, count: Int, expected: Int)
    /// A value is not a whole number in its range.
    case badValue(source: String, row: Int, column: Int, text: String, range: ClosedRange<Int>)
    /// An IDX file of images was given without the one of its labels.
    case labelsNotNamed(source: String)
    /// The file does not begin as an IDX file of bytes with so many dimensions; `start` are its first bytes.
    case notIDX(source: String, start: String, dimensions: ClosedRange<Int>)
    /// A file of values ends before its header says so, after `byteCount` bytes of content.
    case truncatedFile(source: String, byteCount: Int)
    /// The compressed data of a file of values contradicts its own checksum or format.
    case corruptFile(source: String)
    /// A file of values goes on for `byteCount` bytes after the last of them.
    case excess(source: String, byteCount: Int)
    /// The files of images and labels do not belong together.
    case countsDiffer(images: String, imageCount: Int, labels: String, labelCount: Int)
    /// A label is not in 0..<classes.
    case labelOutOfRange(source: String, record: Int, label: Int, classes: Int)

    /// One line: what failed, where, and what to do next.
    package var description: String {
        switch self {
        case .unreadable(let path, let reason):
            "cannot read data \(path): \(reason); check data.source, data.labels and the file's permissions"
        case .notGzip(let source):
            "\(source) is not a gzip file; compress it with `gzip`, or correct data.source"
        case .truncated(let source, let rows):
            "\(source) is truncated after row \(rows); copy it again from its origin"
        case .corrupt(let source, let rows):
            "\(source) is damaged after row \(rows): its checksum does not match; copy it again from its origin"
        case .empty(let source):
            "\(source) has no records; copy it again from its origin, or correct data.source"
        case .wrongColumnCount(let source, let row, let count, let expected):
            "\(source), row \(row): \(count) columns, expected \(expected); correct or remove the row"
        case .badValue(let source, let row, let column, let text, let range):
            "\(source), row \(row), column \(column): `\(text)` is not a whole number in "
                + "\(range.lowerBound)...\(range.upperBound); correct or remove the row"
        case .labelsNotNamed(let source):
            "\(source) is an IDX file of images; name the file of their labels in data.labels"
        case .notIDX(let source, let start, let dimensions):
            "\(source) begins with \(start), not as an IDX file of \(Self.text(dimensions)) does "
                + "(0 0 8 \(dimensions.lowerBound)); correct data.source and data.labels"
        case .truncatedFile(let source, let count):
            "\(source) is truncated: it ends after \(count) bytes of content; copy it again from its origin"
        case .corruptFile(let source):
            "\(source) is damaged: its checksum does not match; copy it again from its origin"
        case .excess(let source, let count):
            "\(source) has \(count) bytes more than its header says; copy it again from its origin"
        case .countsDiffer(let images, let imageCount, let labels, let labelCount):
            "\(images) has \(imageCount) images and \(labels) \(labelCount) labels; name the two files of one data set"
        case .labelOutOfRange(let source, let record, let label, let classes):
            "\(source), record \(record): label \(label) is not in 0...\(classes - 1); "
                + "correct data.classes or data.labels"
        }
    }

    private static func text(_ dimensions: ClosedRange<Int>) -> String {
        dimensions.count == 1 ? "labels" : "images"
    }
}
