import Glibc

/// The owner of one open file descriptor.
struct FileDescriptor: ~Copyable {
    let number: Int32

    /// Opens `path` with the given flags of open(2); a file that is created can be read by everybody.
    init(path: String, flags: Int32, operation: String) throws(CheckpointError) {
        number = open(path, flags | O_CLOEXEC, 0o644)
        guard number >= 0 else { throw .lastSystemError(operation, path) }
    }

    deinit { if number >= 0 { close(number) } }
}
