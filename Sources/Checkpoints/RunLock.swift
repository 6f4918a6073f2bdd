import Foundation
import Glibc

/// The right to use a run folder, held until this value goes away or the process ends, however it ends.
///
/// The lock is the kernel's (flock), so there is no stale one to remove; the file's text only says who holds it.
package final class RunLock {
    private let descriptor: FileDescriptor

    /// For so long an owner tries: one who only asks whether the lock is free holds it for a moment.
    private static let attempts = 20
    private static let attemptMicroseconds: UInt32 = 50_000

    /// Takes the lock file at `path`, creating it and its folder. Throws `locked`, with the owner, if another process holds
    /// it for longer than a second.
    package init(path: String) throws(CheckpointError) {
        try DurableFolder.create((path as NSString).deletingLastPathComponent)
        let opened = try FileDescriptor(path: path, flags: O_RDWR | O_CREAT, operation: "open")
        var attempt = 1
        while flock(opened.number, LOCK_EX | LOCK_NB) != 0 {
            guard errno == EWOULDBLOCK else { throw .lastSystemError("lock", path) }
            guard attempt < Self.attempts else { throw .locked(path: path, owner: try Self.owner(at: path)) }
            attempt += 1
            usleep(Self.attemptMicroseconds)
        }
        let text = Array("pid \(getpid()) on host \(Self.hostName())\n".utf8)
        guard ftruncate(opened.number, 0) == 0, write(opened.number, text, text.count) == text.count else {
            throw .lastSystemError("write", path)
        }
        descriptor = opened
    }

    /// Throws `locked` if another process holds the lock file at `path`. Creates nothing and keeps nothing.
    package static func checkIsFree(path: String) throws(CheckpointError) {
        guard DurableFolder.exists(path) else { return }
        let opened = try FileDescriptor(path: path, flags: O_RDONLY, operation: "open")
        guard flock(opened.number, LOCK_SH | LOCK_NB) != 0 else { return }
        guard errno == EWOULDBLOCK else { throw .lastSystemError("lock", path) }
        throw .locked(path: path, owner: try owner(at: path))
    }

    private static func owner(at path: String) throws(CheckpointError) -> String {
        let file = try InputFile(path: path)
        let line = try file.bytes(at: 0, count: min(file.byteCount, 200)).prefix { $0 != UInt8(ascii: "\n") }
        return line.isEmpty ? "a process that has just started" : String(decoding: line, as: UTF8.self)
    }

    private static func hostName() -> String {
        var name = [CChar](repeating: 0, count: 256)
        guard gethostname(&name, name.count - 1) == 0 else { return "unknown" }
        return String(decoding: name.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }
}
