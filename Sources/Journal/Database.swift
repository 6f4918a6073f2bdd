import CSQLite
import Foundation

/// One connection to an SQLite file. Threading: one thread at a time.
struct Database: ~Copyable {
    private let handle: OpaquePointer
    let path: String

    /// Opens a file to be written, creating it if it is missing.
    init(writing path: String) throws(JournalError) {
        try self.init(path, name: path, flags: SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE)
    }

    /// Opens a file to be read only.
    init(reading path: String) throws(JournalError) {
        // Without a write-ahead log beside it nobody has the file open for writing. SQLite would make that log's files
        // even to read, and so fail where this user may not write, or leave them behind.
        let isAtRest = !FileManager.default.fileExists(atPath: path + "-wal")
        let escaped = path.addingPercentEncoding(withAllowedCharacters: .urlPathAllowed)
        let name = isAtRest ? escaped.map { "file:\($0)?immutable=1" } : nil
        try self.init(path, name: name ?? path, flags: SQLITE_OPEN_READONLY | SQLITE_OPEN_URI)
    }

    private init(_ path: String, name: String, flags: Int32) throws(JournalError) {
        var handle: OpaquePointer?
        let code = sqlite3_open_v2(name, &handle, flags | SQLITE_OPEN_NOMUTEX, nil)
        guard let handle, code == SQLITE_OK else {
            let text = String(cString: sqlite3_errstr(code))
            sqlite3_close_v2(handle)
            throw JournalError(path: path, operation: "opening", code: code, text: text)
        }
        // A reader, such as a report, may hold the file for a moment.
        sqlite3_busy_timeout(handle, 5000)
        self.handle = handle
        self.path = path
    }

    deinit { sqlite3_close_v2(handle) }

    /// Runs statements that return nothing.
    func execute(_ sql: String) throws(JournalError) {
        guard sqlite3_exec(handle, sql, nil, nil, nil) == SQLITE_OK else { throw failure(sql) }
    }

    /// Runs one statement once for each list of values.
    func execute(_ sql: String, forEach rows: [[Value]]) throws(JournalError) {
        let statement = try prepare(sql)
        defer { sqlite3_finalize(statement) }
        for row in rows {
            try bind(row, to: statement, sql)
            guard sqlite3_step(statement) == SQLITE_DONE else { throw failure(sql) }
            sqlite3_reset(statement)
        }
    }

    /// All rows of a query.
    func rows(_ sql: String, _ values: [Value] = []) throws(JournalError) -> [[Value]] {
        let statement = try prepare(sql)
        defer { sqlite3_finalize(statement) }
        try bind(values, to: statement, sql)
        var rows: [[Value]] = []
        while true {
            switch sqlite3_step(statement) {
            case SQLITE_ROW: rows.append((0..<sqlite3_column_count(statement)).map { column(statement, $0) })
            case SQLITE_DONE: return rows
            default: throw failure(sql)
            }
        }
    }

    private func prepare(_ sql: String) throws(JournalError) -> OpaquePointer {
        var statement: OpaquePointer?
        guard sqlite3_prepare_v2(handle, sql, -1, &statement, nil) == SQLITE_OK, let statement else {
            throw failure(sql)
        }
        return statement
    }

    private func bind(_ values: [Value], to statement: OpaquePointer, _ sql: String) throws(JournalError) {
        for (index, value) in zip(Int32(1)..., values) {
            let code =
                switch value {
                case .integer(let integer): sqlite3_bind_int64(statement, index, Int64(integer))
                case .real(let real): sqlite3_bind_double(statement, index, real)
                case .text(let text): shim_sqlite_bind_text(statement, index, text, Int32(text.utf8.count))
                case .null: sqlite3_bind_null(statement, index)
                }
            guard code == SQLITE_OK else { throw failure(sql) }
        }
    }

    private func column(_ statement: OpaquePointer, _ index: Int32) -> Value {
        switch sqlite3_column_type(statement, index) {
        case SQLITE_INTEGER: .integer(Int(sqlite3_column_int64(statement, index)))
        case SQLITE_FLOAT: .real(sqlite3_column_double(statement, index))
        case SQLITE_TEXT: .text(String(cString: sqlite3_column_text(statement, index)))
        default: .null
        }
    }

    private func failure(_ sql: String) -> JournalError {
        JournalError(
            path: path, operation: sql.hasPrefix("select") ? "reading" : "writing", code: sqlite3_errcode(handle),
            text: String(cString: sqlite3_errmsg(handle)))
    }
}

/// A value as SQLite stores it.
enum Value: Equatable {
    case integer(Int)
    case real(Double)
    case text(String)
    case null

    var integer: Int? { if case .integer(let integer) = self { integer } else { nil } }
    var text: String? { if case .text(let text) = self { text } else { nil } }

    /// SQLite stores NaN as null, and a real that is whole may come back as an integer.
    var real: Double {
        switch self {
        case .real(let real): real
        case .integer(let integer): Double(integer)
        case .text, .null: .nan
        }
    }
}
