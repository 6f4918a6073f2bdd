import Foundation

/// SHA-256 of memory, computed by a thread of its own while the caller writes the same memory to a disk.
final class BackgroundHash: @unchecked Sendable {  // `digest` is written before the group is left, and read after
    private let isRunning = DispatchGroup()
    private let header: [UInt8]
    private let parts: [UnsafeRawBufferPointer]
    private var digest = ""

    /// Begins to hash `header` and then `parts`, whose memory must stay as it is until `finish` has returned.
    init(of header: [UInt8], _ parts: [UnsafeRawBufferPointer]) {
        (self.header, self.parts) = (header, parts)
        isRunning.enter()
        Thread.detachNewThread { self.run() }
    }

    private func run() {
        var hasher = SHA256Hasher()
        header.withUnsafeBytes { hasher.update($0) }
        for part in parts { hasher.update(part) }
        digest = hasher.finish()
        isRunning.leave()
    }

    /// Waits for the hash: 64 lower-case hexadecimal digits. May be called again.
    @discardableResult
    func finish() -> String {
        isRunning.wait()
        return digest
    }
}
