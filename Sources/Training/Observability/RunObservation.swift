package import Coordination

/// A run at one moment, as the coordinator's loop saw it: what the HTTP pages are made of.
package struct RunObservation: Sendable {
    /// For so long the loop may not have come round before it counts as stuck, seconds.
    package static let patienceSeconds = 10.0

    /// The run.
    package var status: RunStatus
    /// What has happened.
    package var counters: RunCounters
    /// Bytes of the journal.
    package var journalBytes: Int
    /// When, on the monotonic clock, seconds.
    package var takenAt: Double

    /// Creates an observation; see the properties for the meaning of each argument.
    package init(status: RunStatus, counters: RunCounters, journalBytes: Int, takenAt: Double) {
        self.status = status
        self.counters = counters
        self.journalBytes = journalBytes
        self.takenAt = takenAt
    }

    /// Why the coordinator is not to be trusted any more; nil if it is.
    func illness(at now: Double) -> String? {
        let age = now - takenAt
        return age < Self.patienceSeconds ? nil : "the coordinator's loop has stood still for \(Int(age)) s"
    }

    /// Why the run is not training; nil if it is.
    func unreadiness(at now: Double) -> String? {
        if let illness = illness(at: now) { return illness }
        guard status.state == .running else { return "the run is \(status.state.rawValue)" }
        return status.ranks.first(where: \.suspected).map { "rank \($0.rank) is silent" }
    }
}
