import Glibc
import Synchronization

/// Where the time of the kernels goes, by kind of operation. Without a recording a measured call costs one load.
///
/// A measured call inside another belongs to the outer one, so the times add up to no more than the whole.
/// Threading: one recording at a time, the next one waits; what other threads do meanwhile is neither recorded nor
/// disturbed.
package enum OperationProfile {
    /// The kinds that are told apart.
    package enum Kind: Int, CaseIterable, Sendable {
        case convolutionForward, convolutionBackwardData, convolutionBackwardWeights
        /// Weights into the layouts of the convolutions.
        case packing
        case normalization, attention, matrixProduct
        /// Sums, activations and scalings outside of norms, changes of resolution, joining of channels.
        case elementwise
        /// Norm of the gradient, and the update of the weights.
        case optimizer
    }

    /// Held for the length of a recording.
    private static let recording = Mutex(())
    /// The recording thread; 0 while nothing is recorded.
    private static let recordingThread = Atomic<UInt>(0)
    // Read and written by the recording thread only.
    nonisolated(unsafe) private static var seconds = [Double](repeating: 0, count: Kind.allCases.count)
    nonisolated(unsafe) private static var isInsideOperation = false

    /// Runs `body`, and adds its time to `kind` while this thread records.
    package static func measure<Output>(_ kind: Kind, _ body: () throws -> Output) rethrows -> Output {
        let thread = recordingThread.load(ordering: .relaxed)
        guard thread != 0, thread == UInt(pthread_self()), !isInsideOperation else { return try body() }
        isInsideOperation = true
        let start = now()
        defer {
            seconds[kind.rawValue] += now() - start
            isInsideOperation = false
        }
        return try body()
    }

    /// Runs `body` and returns the seconds that this thread spent in each kind of operation.
    ///
    /// Traps: if this thread records already.
    package static func record(_ body: () throws -> Void) rethrows -> [Kind: Double] {
        let thread = UInt(pthread_self())
        precondition(
            recordingThread.load(ordering: .relaxed) != thread, "OperationProfile.record: a recording in a recording")
        return try recording.withLock { _ in
            for kind in Kind.allCases { seconds[kind.rawValue] = 0 }
            recordingThread.store(thread, ordering: .relaxed)
            defer { recordingThread.store(0, ordering: .relaxed) }
            try body()
            return Dictionary(uniqueKeysWithValues: Kind.allCases.map { ($0, seconds[$0.rawValue]) })
        }
    }

    private static func now() -> Double {
        var time = timespec()
        clock_gettime(CLOCK_MONOTONIC, &time)
        return Double(time.tv_sec) + Double(time.tv_nsec) * 1e-9
    }
}
