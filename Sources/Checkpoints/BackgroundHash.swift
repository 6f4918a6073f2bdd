import Foundation
import Glibc

/// SHA-256 of memory, computed by a thread of its own while the caller writes the same memory to a disk.
final class BackgroundHash: @unchecked Sendable {  // results are written before the group is left, and read after
    private let isRunning = DispatchGroup()
    private let header: [UInt8]
    private let parts: [UnsafeRawBufferPointer]
    private var digest = ""
    /// Processor time that the thread took; 0 until `finish` has returned.
    private(set) var processorSeconds = 0.0

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
        var time = timespec()
        // The thread hashes and nothing else: all its time is the hash's. The clock exists on every Linux.
        clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time)
        processorSeconds = Double(time.tv_sec) + Double(time.tv_nsec) * 1e-9
        isRunning.leave()
    }

    /// Waits for the hash: 64 lower-case hexadecimal digits. May be called again.
    @discardableResult
    func finish() -> String {
        isRunning.wait()
        return digest
    }
}
