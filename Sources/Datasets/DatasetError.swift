/// Why a file of records cannot be used. Rows and columns count from 1.
package enum DatasetError: Error, Sendable, Equatable, CustomStringConvertible {
    /// The file is not there or cannot be read.
    case unreadable(path: String, reason: String)
    /// The file does not begin as gzip does.
    case notGzip(source: String)
    /// The compressed data ends early.
    case truncated(source: String, completeRows: Int)
    /// The compressed data contradicts its own checksum or format.
    case corrupt(source: String, completeRows: Int)
    /// There is not a single row.
    case empty(source: String)
    /// A row has too few or too many columns.
    case wrongColumnCount(source: String, row: Int, count: Int, expected: Int)
    /// A value is not a whole number in its range.
    case badValue(source: String, row: Int, column: Int, text: String, range: ClosedRange<Int>)

    /// One line: what failed, where, and what to do next.
    package var description: String {
        switch self {
        case .unreadable(let path, let reason):
            "cannot read data \(path): \(reason); check data.source and the file's permissions"
        case .notGzip(let source):
            "\(source) is not a gzip file; compress it with `gzip`, or correct data.source"
        case .truncated(let source, let rows):
            "\(source) is truncated after row \(rows); copy it again from its origin"
        case .corrupt(let source, let rows):
            "\(source) is damaged after row \(rows): its checksum does not match; copy it again from its origin"
        case .empty(let source):
            "\(source) has no rows; copy it again from its origin, or correct data.source"
        case .wrongColumnCount(let source, let row, let count, let expected):
            "\(source), row \(row): \(count) columns, expected \(expected); correct or remove the row"
        case .badValue(let source, let row, let column, let text, let range):
            "\(source), row \(row), column \(column): `\(text)` is not a whole number in "
                + "\(range.lowerBound)...\(range.upperBound); correct or remove the row"
        }
    }
}
