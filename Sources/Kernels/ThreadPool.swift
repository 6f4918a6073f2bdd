import COpenMP
import Glibc

/// The one thread pool of the process: libgomp's, which oneDNN uses too.
///
/// Our own loops are cut into pieces by their size alone, so their results depend neither on timing nor on the number
/// of threads. oneDNN's cut is its own: see ``Convolution``.
/// Threading: regions may be started by one thread at a time, the one that trains.
package enum ThreadPool {
    /// The number of threads a region uses. Set once at start; 1 runs everything on the caller.
    nonisolated(unsafe) private static var configuredThreadCount: Int = 1

    /// The number of threads a region uses.
    package static var threadCount: Int { configuredThreadCount }

    /// Sets the number of threads for our loops and for oneDNN.
    ///
    /// Traps: if `count` is less than 1. Threading: call before the first region.
    package static func configure(threadCount count: Int) {
        precondition(count >= 1, "ThreadPool.configure: thread count \(count) is less than 1")
        configuredThreadCount = count
    }

    /// Tells libgomp the number of threads for the regions that oneDNN opens on this thread. libgomp keeps it per
    /// thread, and starts from the number of cores.
    static func applyToCallingThread() { omp_set_num_threads(Int32(configuredThreadCount)) }

    private struct Region {
        let count: Int
        /// The floats of scratch memory for each thread.
        let scratchCount: Int
        let body: (Int, UnsafeMutablePointer<Float>) -> Void
    }

    /// Calls `body` once for each index in `0..<count`, in contiguous runs, one run per thread.
    ///
    /// - Parameters:
    ///   - count: the number of pieces.
    ///   - serial: true where the whole work is smaller than the cost of waking a thread (about a microsecond each).
    ///   - body: one piece; it may write only what no other piece reads or writes.
    package static func forEach(_ count: Int, serial: Bool = false, _ body: (Int) -> Void) {
        forEach(count, serial: serial, scratchCount: 0) { piece, _ in body(piece) }
    }

    /// The same with `scratchCount` floats of memory for each piece, contents undefined, on a 64-byte boundary.
    ///
    /// The memory is the thread's and kept from call to call: what comes from the system each time costs a page fault
    /// per page.
    package static func forEach(
        _ count: Int, serial: Bool = false, scratchCount: Int, _ body: (Int, UnsafeMutablePointer<Float>) -> Void
    ) {
        if configuredThreadCount == 1 || serial || count <= 1 {
            let scratch = Scratch.piece.floats(scratchCount)
            for index in 0..<count { body(index, scratch) }
            return
        }
        withoutActuallyEscaping(body) { body in
            var region = Region(count: count, scratchCount: scratchCount, body: body)
            withUnsafeMutablePointer(to: &region) { pointer in
                GOMP_parallel(
                    { data in
                        guard let data else { return }
                        let region = data.assumingMemoryBound(to: Region.self)
                        let threads = Int(omp_get_num_threads())
                        let thread = Int(omp_get_thread_num())
                        let count = region.pointee.count
                        let scratch = Scratch.piece.floats(region.pointee.scratchCount)
                        for index in count * thread / threads..<count * (thread + 1) / threads {
                            region.pointee.body(index, scratch)
                        }
                    }, pointer, UInt32(configuredThreadCount), 0)
            }
        }
    }

    /// At least `count` floats of the calling thread's, contents undefined, on a 64-byte boundary, for the regions it
    /// starts; until its next call.
    static func callerScratch(_ count: Int) -> UnsafeMutablePointer<Float> { Scratch.caller.floats(count) }

    /// Calls `body` with contiguous ranges of at most `grain` elements that cover `0..<count`.
    package static func forRanges(_ count: Int, grain: Int = 16_384, _ body: (Range<Int>) -> Void) {
        forEach((count + grain - 1) / grain) { piece in
            body(piece * grain..<min(count, (piece + 1) * grain))
        }
    }
}

/// Memory of each thread, as large as the largest that it was asked for.
private struct Scratch {
    /// For the pieces a thread does, and for the regions it starts.
    static let piece = Scratch()
    static let caller = Scratch()

    /// In front of the floats: how many there are. As long as the boundary they lie on.
    private static let headerByteCount = 64
    private let key: pthread_key_t

    private init() {
        var key = pthread_key_t()
        let status = pthread_key_create(&key) { free($0) }
        precondition(status == 0, "ThreadPool: pthread_key_create: status \(status)")
        self.key = key
    }

    /// At least `count` floats of the calling thread's, until its next call.
    func floats(_ count: Int) -> UnsafeMutablePointer<Float> {
        if let block = pthread_getspecific(key) {
            if count <= block.load(as: Int.self) { return floats(in: block) }
            free(block)
        }
        let byteCount = Self.headerByteCount + max(64, count * 4 + 63) / 64 * 64
        guard let block = aligned_alloc(64, byteCount) else {
            preconditionFailure("ThreadPool: no memory for \(byteCount) bytes of scratch")
        }
        block.storeBytes(of: (byteCount - Self.headerByteCount) / 4, as: Int.self)
        pthread_setspecific(key, block)
        return floats(in: block)
    }

    private func floats(in block: UnsafeMutableRawPointer) -> UnsafeMutablePointer<Float> {
        (block + Self.headerByteCount).assumingMemoryBound(to: Float.self)
    }
}
