@preconcurrency import Dispatch  // sources may be used on any thread, but do not say so
import Foundation
import Synchronization

/// Signals that ask this program to end, counted instead of obeyed.
struct Interrupts: Sendable {
    private let arrivals = Arrivals()
    private let sources: [any DispatchSourceSignal]

    /// From here on SIGINT, SIGTERM and SIGHUP no longer end the program by themselves.
    init() {
        let arrivals = self.arrivals
        sources = [SIGINT, SIGTERM, SIGHUP].map { number in
            signal(number, SIG_IGN)
            let source = DispatchSource.makeSignalSource(signal: number)
            source.setEventHandler { arrivals.add() }
            source.resume()
            return source
        }
    }

    /// True once a signal has arrived.
    var haveArrived: Bool { arrivals.count > 0 }

    /// Passes signals on until the task is cancelled: the first asks the process to drain and save; the second kills it
    /// and its process group. A process that is started later is told of those that came before.
    func forward(to process: pid_t, _ progress: ProgressDisplay) async {
        var passed = 0
        for await count in arrivals.counts() {
            while passed < count {
                passed += 1
                if passed == 1 {
                    await progress.note("stopping: finishing the steps under way and saving; Ctrl-C again kills")
                    kill(process, SIGTERM)
                } else {
                    await progress.killed()
                    kill(-process, SIGKILL)
                }
            }
        }
    }

    private final class Arrivals: Sendable {
        private struct State {
            var count = 0
            var listener: AsyncStream<Int>.Continuation?
        }
        private let state = Mutex(State())

        var count: Int { state.withLock(\.count) }

        func add() {
            state.withLock { state in
                state.count += 1
                state.listener?.yield(state.count)
            }
        }

        /// The count now, and after each arrival; to one listener at a time, the latest.
        func counts() -> AsyncStream<Int> {
            let (stream, continuation) = AsyncStream.makeStream(of: Int.self, bufferingPolicy: .bufferingNewest(1))
            state.withLock { state in
                continuation.yield(state.count)
                state.listener = continuation
            }
            return stream
        }
    }
}
