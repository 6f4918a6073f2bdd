@preconcurrency import Dispatch  // sources may be used on any thread, but do not say so
import Foundation

/// Signals that ask this program to end, as a stream instead of a death.
struct Interrupts: Sendable {
    private let stream: AsyncStream<Int32>
    private let sources: [any DispatchSourceSignal]

    /// From here on SIGINT, SIGTERM and SIGHUP no longer end the program by themselves.
    init() {
        let (stream, continuation) = AsyncStream.makeStream(of: Int32.self)
        self.stream = stream
        sources = [SIGINT, SIGTERM, SIGHUP].map { number in
            signal(number, SIG_IGN)
            let source = DispatchSource.makeSignalSource(signal: number)
            source.setEventHandler { continuation.yield(number) }
            source.resume()
            return source
        }
    }

    /// The first signal asks the process to drain and save; the second kills it and its process group.
    func forward(to process: pid_t, _ progress: ProgressDisplay) async {
        var count = 0
        for await _ in stream {
            count += 1
            if count == 1 {
                await progress.note("stopping: finishing the steps under way and saving; Ctrl-C again kills")
                kill(process, SIGTERM)
            } else {
                await progress.killed()
                kill(-process, SIGKILL)
            }
        }
    }
}
