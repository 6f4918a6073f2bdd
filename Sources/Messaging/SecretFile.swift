import Glibc

/// A small file whose content must stay with its owner: a key, a token. Threading: free.
package enum SecretFile {
    /// The first line of a file that nobody but its owner can read.
    ///
    /// The owner must be this process's user or root. Throws a `SecretFileError` otherwise, or if the file holds
    /// nothing or more than `maximumBytes`.
    package static func read(_ path: String, maximumBytes: Int = 256) throws(SecretFileError) -> String {
        try read(path, forbidden: S_IRWXG | S_IRWXO, maximumBytes: maximumBytes)
    }

    /// The first line of a file that others may read, as a public key, but not change.
    static func readPublic(_ path: String) throws(SecretFileError) -> String {
        try read(path, forbidden: S_IWGRP | S_IWOTH, maximumBytes: 256)
    }

    /// Throws if others may put other files in the place of those in a folder: it belongs to another user than this
    /// process's or root, or others can write there and the sticky bit does not keep them from what is not theirs.
    static func checkFolder(_ path: String) throws(SecretFileError) {
        var facts = stat()
        guard stat(path, &facts) == 0 else { throw .unreadable(path: path, reason: Self.lastReason) }
        try checkOwner(facts, path)
        guard facts.st_mode & (S_IWGRP | S_IWOTH) == 0 || facts.st_mode & S_ISVTX != 0 else {
            throw .exposedFolder(path: path, mode: facts.st_mode & 0o7777)
        }
    }

    /// Throws if what these facts are of belongs to another user than this process's or root.
    private static func checkOwner(_ facts: stat, _ path: String) throws(SecretFileError) {
        guard facts.st_uid == geteuid() || facts.st_uid == 0 else {
            throw .otherOwner(path: path, owner: facts.st_uid, user: geteuid())
        }
    }

    private static func read(
        _ path: String, forbidden: mode_t, maximumBytes: Int
    ) throws(SecretFileError) -> String {
        let descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)
        guard descriptor >= 0 else { throw .unreadable(path: path, reason: Self.lastReason) }
        defer { close(descriptor) }
        // Asked of the open file, not of its name: what is judged is what is read.
        var facts = stat()
        guard fstat(descriptor, &facts) == 0 else { throw .unreadable(path: path, reason: Self.lastReason) }
        guard facts.st_mode & S_IFMT == S_IFREG else { throw .unreadable(path: path, reason: "not a file") }
        try checkOwner(facts, path)
        guard facts.st_mode & forbidden == 0 else {
            throw .exposed(path: path, mode: facts.st_mode & 0o7777)
        }
        var bytes = [UInt8](repeating: 0, count: maximumBytes + 1)
        let count = Glibc.read(descriptor, &bytes, bytes.count)
        guard count >= 0 else { throw .unreadable(path: path, reason: Self.lastReason) }
        guard count <= maximumBytes else {
            throw .noSecret(path: path, reason: "more than \(maximumBytes) bytes")
        }
        let line = bytes[..<count].prefix { $0 != UInt8(ascii: "\n") }
        guard !line.isEmpty else { throw .noSecret(path: path, reason: "its first line is empty") }
        return String(decoding: line, as: UTF8.self)
    }

    /// The system's words for what has just failed.
    static var lastReason: String { String(cString: strerror(errno)) }

    /// Creates a file that only its owner can read and write. Throws if there is one already.
    static func create(_ path: String, containing text: String) throws(SecretFileError) {
        let descriptor = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, S_IRUSR | S_IWUSR)
        guard descriptor >= 0 else { throw .notMade(path: path, reason: Self.lastReason) }
        defer { close(descriptor) }
        let bytes = [UInt8]("\(text)\n".utf8)
        guard write(descriptor, bytes, bytes.count) == bytes.count, fsync(descriptor) == 0 else {
            throw .notMade(path: path, reason: Self.lastReason)
        }
    }
}

/// Why a secret cannot be used, or not be made.
package enum SecretFileError: Error, Sendable, Equatable, CustomStringConvertible {
    /// The system refuses.
    case unreadable(path: String, reason: String)
    /// The system refuses to make it.
    case notMade(path: String, reason: String)
    /// Somebody else owns the file, and could have chosen its content.
    case otherOwner(path: String, owner: UInt32, user: UInt32)
    /// Others can read the secret, or change what must be trusted.
    case exposed(path: String, mode: UInt32)
    /// Others can replace what is in the folder.
    case exposedFolder(path: String, mode: UInt32)
    /// The content is none.
    case noSecret(path: String, reason: String)
    /// A folder of keys is to be made where something is.
    case exists(path: String)

    /// One line for a person: what failed, where, what to do.
    package var description: String {
        switch self {
        case .unreadable(let path, let reason):
            "cannot read \(path): \(reason); copy it from the folder of keys it belongs to, or make a new one: dmd2 keys new FOLDER"
        case .notMade(let path, let reason):
            "cannot make \(path): \(reason); name a new folder where this user may write"
        case .otherOwner(let path, let owner, let user):
            "\(path) belongs to user \(owner), not to this process's user \(user) or root: chown it, or use keys of your own"
        case .exposed(let path, let mode):
            "\(path) has mode \(Self.octal(mode)), so others can use it: chmod 600 it, and make new keys if they may have"
        case .exposedFolder(let path, let mode):
            "\(path) has mode \(Self.octal(mode)), so others can replace the keys there: chmod go-w it, and make new keys "
                + "if they may have"
        case .noSecret(let path, let reason):
            "\(path) holds no key or token: \(reason); copy it from the folder of keys it belongs to, or make a new one: dmd2 keys new FOLDER"
        case .exists(let path):
            "\(path) exists; keys are never overwritten, name a new folder"
        }
    }

    private static func octal(_ mode: UInt32) -> String {
        let digits = String(mode, radix: 8)
        return String(repeating: "0", count: max(0, 4 - digits.count)) + digits
    }
}
