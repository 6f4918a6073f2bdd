import COpenMP

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
        let body: (Int) -> Void
    }

    /// Calls `body` once for each index in `0..<count`, in contiguous runs, one run per thread.
    ///
    /// - Parameters:
    ///   - count: the number of pieces.
    ///   - serial: true where the whole work is smaller than the cost of waking a thread (about a microsecond each).
    ///   - body: one piece; it may write only what no other piece reads or writes.
    package static func forEach(_ count: Int, serial: Bool = false, _ body: (Int) -> Void) {
        if configuredThreadCount == 1 || serial || count <= 1 {
            for index in 0..<count { body(index) }
            return
        }
        withoutActuallyEscaping(body) { body in
            var region = Region(count: count, body: body)
            withUnsafeMutablePointer(to: &region) { pointer in
                GOMP_parallel(
                    { data in
                        guard let data else { return }
                        let region = data.assumingMemoryBound(to: Region.self)
                        let threads = Int(omp_get_num_threads())
                        let thread = Int(omp_get_thread_num())
                        let count = region.pointee.count
                        for index in count * thread / threads..<count * (thread + 1) / threads {
                            region.pointee.body(index)
                        }
                    }, pointer, UInt32(configuredThreadCount), 0)
            }
        }
    }

    /// Calls `body` with contiguous ranges of at most `grain` elements that cover `0..<count`.
    package static func forRanges(_ count: Int, grain: Int = 16_384, _ body: (Range<Int>) -> Void) {
        forEach((count + grain - 1) / grain) { piece in
            body(piece * grain..<min(count, (piece + 1) * grain))
        }
    }
}
