import Glibc
import Synchronization

/// Where the time of the kernels goes, by kind of operation. Without a recording a timed call costs one load.
///
/// A timed call inside another belongs to the outer one, so the times add up to no more than the whole.
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

    /// A call under way.
    package struct Timer {
        fileprivate let kind: Kind
        /// Nil where the call is not recorded.
        fileprivate let start: Double?

        /// Adds the time since the start to the kind.
        package func stop() {
            guard let start else { return }
            seconds[kind.rawValue] += now() - start
            isInsideOperation = false
        }
    }

    /// Starts to time a call of a kind; whoever starts it stops it, on the same thread: `defer { timer.stop() }`.
    package static func start(_ kind: Kind) -> Timer {
        let thread = recordingThread.load(ordering: .relaxed)
        guard thread != 0, thread == UInt(pthread_self()), !isInsideOperation else {
            return Timer(kind: kind, start: nil)
        }
        isInsideOperation = true
        return Timer(kind: kind, start: now())
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
