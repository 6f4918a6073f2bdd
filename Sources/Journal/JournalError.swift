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

    /// One line for a person: what failed, where, what to do.
    package var description: String {
        "journal \(path): \(operation) failed (\(text), SQLite code \(code)): check that the folder is writable and "
            + "the disk is not full; a damaged journal can be moved away, the checkpoints do not need it"
    }
}
