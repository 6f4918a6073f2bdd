import Foundation

/// A process that holds nothing of the training, but without which nobody would notice a death, start the next launch or
/// end the run. What a signal has stopped is woken by the process that depends on it.
package struct WatchedProcess: Sendable {
    /// A stop that lasts as long is ended, seconds. Shorter ones have their reasons: a person who looks, a tool that slows
    /// a process down by stopping it again and again.
    package static let patienceSeconds = 3.0
    /// The time between two looks, seconds.
    package static let lookSeconds = 0.5

    /// What it is, for a person.
    package let name: String
    /// Which it is.
    package let process: ProcessIdentity
    private var stoppedSince: Double?

    /// A process to look after.
    package init(_ name: String, _ process: ProcessIdentity) { (self.name, self.process) = (name, process) }

    /// Looks at it, and wakes it where that is due. Returns for how long it had been stopped, if it was woken, seconds.
    package mutating func look(at now: Double) -> Double? {
        guard let seconds = secondsStopped(isStopped: process.isStopped, at: now) else { return nil }
        kill(process.pid, SIGCONT)
        return seconds
    }

    /// How long a stop has lasted that is to be ended now; nil if there is none. `now` is in seconds.
    package mutating func secondsStopped(isStopped: Bool, at now: Double) -> Double? {
        guard isStopped else {
            stoppedSince = nil
            return nil
        }
        let since = stoppedSince ?? now
        guard now - since >= Self.patienceSeconds else {
            stoppedSince = since
            return nil
        }
        stoppedSince = nil
        return now - since
    }
}
