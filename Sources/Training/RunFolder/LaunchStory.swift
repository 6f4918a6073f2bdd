import Coordination
package import Foundation
package import Journal

/// What became of one launch, and what its end has cost, as the journal tells.
package struct LaunchStory: Sendable, Equatable, Encodable {
    /// Its number.
    package var launch: Int
    /// How many ranks it had, and where; empty: on one machine.
    package var ranks: Int
    package var hosts: String
    /// When it began and ended, ISO 8601 in UTC; the end is nil while it lives, and where nobody saw it.
    package var started: String
    package var ended: String?
    /// When the journal last told of it, ISO 8601 in UTC; nil where it never did.
    package var lastHeard: String?
    /// How it ended.
    package var ending: LaunchEnding
    /// Why: the first cause of a failure, else a word of how; nil while it lives.
    package var cause: String?
    /// What ranks said after that, as a consequence.
    package var collateral: [String] = []
    /// Coordinators that died while it ran, without stopping it.
    package var coordinatorDeaths: Int
    /// Processes that stood still while it ran, without stopping it: which, and for how long.
    package var standstills: [String] = []
    /// The stage it was in and the steps of it that were completed, before the end and where the next launch began.
    package var stage: String?
    package var stepsCompleted: Int?
    package var nextStartedAt: Int?
    /// Steps that had to be done again.
    package var stepsLost: Int?
    /// From the last sign of progress until the next launches had come as far again, by activity, seconds; empty for a
    /// launch that ended well. `isRecovered` is false while that is still going on.
    package var outageSeconds: [String: Double] = [:]
    package var isRecovered = true
    /// The launch that had come as far again; nil where none has, and where nothing failed.
    package var recoveredBy: Int?
    /// Of the whole run: how its last launch ended, and which launches failed, those included whose end nobody saw.
    package var runEnding: LaunchEnding
    package var failedLaunches: [Int]
    /// How much of the run's time was kept, and all its seconds by activity.
    package var goodput: Double
    package var secondsByActivity: [String: Double]

    /// The story of a launch; nil if there was no such launch. `now` is nil where the run does not live.
    package init?(of launch: Int, generations: [GenerationRecord], events: [EventRecord], now: Date?) {
        guard let record = generations.first(where: { $0.generation == launch }) else { return nil }
        self.launch = launch
        (ranks, started, ended, cause) = (record.ranks, record.startedUTC, record.endedUTC, record.cause)
        let endings = LaunchEnding.all(of: generations, events: events, isLive: now != nil)
        ending = endings.first { $0.launch == launch }?.ending ?? .open
        runEnding = endings.last?.ending ?? ending
        failedLaunches = endings.filter(\.ending.isFailure).map(\.launch)
        let own = events.filter { $0.generation == launch }
        lastHeard = own.last?.timeUTC
        hosts = own.first { $0.kind == "launch_started" }?.particulars["hosts"] ?? ""
        coordinatorDeaths = own.count { $0.kind == "coordinator_resumed" }
        standstills = own.filter { ["process_woken", "stood_still"].contains($0.kind) }.map {
            let seconds = $0.particulars["seconds"].flatMap { Double($0) } ?? 0
            return "\($0.particulars["process"] ?? "a process") for \(Int(seconds.rounded())) s"
        }
        let words = own.filter { $0.kind == "worker_failed" }.map {
            "rank \($0.particulars["rank"] ?? "?"): \($0.particulars["reason"] ?? "")"
        }
        collateral = words.filter { $0 != record.cause }

        let moment = (now ?? events.last?.time ?? .distantPast).timeIntervalSince1970
        let goodput = Goodput(TimeLedger(events), at: moment)
        (self.goodput, secondsByActivity) = (goodput.ratio, goodput.seconds)
        noteSteps(own, events)
        noteOutage(events, at: moment)
    }

    private mutating func noteSteps(_ own: [EventRecord], _ events: [EventRecord]) {
        stage = own.last { $0.kind == "stage_begun" }?.particulars["stage"]
        let end = own.last { $0.kind == "launch_ended" }
        stepsCompleted = end?.particulars["step"].flatMap { Int($0) }
        let next = events.first { $0.kind == "stage_begun" && $0.generation > launch }
        guard let next, next.particulars["stage"] == stage else { return }
        nextStartedAt = next.particulars["step"].flatMap { Int($0) }
        if let stepsCompleted, let nextStartedAt { stepsLost = max(0, stepsCompleted - nextStartedAt) }
    }

    private mutating func noteOutage(_ events: [EventRecord], at moment: Double) {
        guard
            let trouble = events.firstIndex(where: {
                $0.generation == launch && ["rank_lost", "launch_ended"].contains($0.kind)
            }), !events[trouble...].contains(where: { $0.kind == "run_ended" && $0.generation == launch })
        else { return }
        var ledger = TimeLedger()
        for event in events[..<trouble] { ledger.note(event) }
        // What was kept up to here may shrink: the time of finding out is taken from it.
        let before = ledger.seconds(at: events[trouble].time?.timeIntervalSince1970 ?? moment)
        var end = moment
        isRecovered = false
        for event in events[trouble...] {
            ledger.note(event)
            if ledger.activity == .kept || ledger.activity == nil {
                end = event.time?.timeIntervalSince1970 ?? moment
                isRecovered = true
                if ledger.activity == .kept { recoveredBy = event.generation }
                break
            }
        }
        for (activity, seconds) in ledger.seconds(at: end) where activity != .kept {
            outageSeconds[activity.rawValue] = seconds - (before[activity] ?? 0)
        }
    }
}
