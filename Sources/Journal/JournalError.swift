/// A journal that cannot be read or written.
package struct JournalError: Error, Sendable, Equatable, CustomStringConvertible {
    /// The journal's path.
    package var path: String
    /// What was being done.
    package var operation: String
    /// SQLite's result code.
    package var code: Int32
    /// SQLite's words for it.
    package var text: String

    /// Makes an error from its parts.
    package init(path: String, operation: String, code: Int32, text: String) {
        (self.path, self.operation, self.code, self.text) = (path, operation, code, text)
    }

    /// True for SQLite's codes of a full disk (13) and of a write that the system refused (10, of whatever kind): both
    /// may pass.
    package var mayBeFullDisk: Bool { code & 0xFF == 13 || code & 0xFF == 10 }

    /// One line for a person: what failed, where, what to do.
    package var description: String {
        "journal \(path): \(operation) failed (\(text), SQLite code \(code)): check that the folder is writable and "
            + "the disk is not full; a damaged journal can be moved away, the checkpoints do not need it"
    }
}
