import Foundation

/// A value shared by two threads, with a way to wait until it changes.
final class Monitor<State>: @unchecked Sendable {  // `state` is touched with `condition` locked only
    private static var longestWaitSeconds: Double { 1 }

    private let condition = NSCondition()
    private var state: State

    init(_ state: sending State) {
        self.state = state
    }

    /// Reads or changes the value, then wakes whoever waits.
    func withLock<Result>(_ body: (inout State) -> Result) -> Result {
        condition.lock()
        defer {
            condition.broadcast()
            condition.unlock()
        }
        return body(&state)
    }

    /// Waits until `body` returns something, at most this many seconds; it is asked again after every change.
    func wait<Result>(seconds: Double, until body: (inout State) -> Result?) -> Result? {
        let deadline = monotonicSeconds() + seconds
        condition.lock()
        defer { condition.unlock() }
        while true {
            if let result = body(&state) { return result }
            let remaining = deadline - monotonicSeconds()
            guard remaining > 0 else { return nil }
            // The condition goes by the clock on the wall, which may be set back meanwhile: not for longer than this.
            _ = condition.wait(until: Date(timeIntervalSinceNow: min(remaining, Self.longestWaitSeconds)))
        }
    }
}
