package import Coordination

/// What has happened since this coordinator began, counted: the counters of `/metrics`. They only grow.
package struct RunCounters: Sendable, Equatable {
    /// What became of a message that arrived.
    package enum Arrival: String, CaseIterable, Sendable {
        /// From a worker of any launch.
        case worker
        /// From a person's command.
        case command
        /// Its key does not allow it.
        case forbidden
        /// Bytes that are no message.
        case unreadable
    }

    /// Launches begun.
    package private(set) var launches = 0
    /// Completed steps, by the network they updated; a step that updates two counts for both.
    package private(set) var steps: [String: Int] = [:]
    /// Completed steps that an earlier launch had completed already: lost with a failure.
    package private(set) var repeatedSteps = 0
    /// Checkpoints published.
    package private(set) var checkpoints = 0
    /// Checkpoints that could not be published.
    package private(set) var failedCheckpoints = 0
    /// Ranks found dead or hung.
    package private(set) var lostRanks = 0
    /// Ranks that said why they leave.
    package private(set) var failedWorkers = 0
    /// Messages that arrived.
    package private(set) var messages: [Arrival: Int] = [:]

    private var completed: [String: Int] = [:]

    /// Nothing has happened yet.
    package init() {}

    /// A message arrived.
    package mutating func note(_ arrival: Arrival) { messages[arrival, default: 0] += 1 }

    /// The journal is told this.
    package mutating func note(_ entry: JournalEntry) {
        switch entry {
        case .generationStarted:
            launches += 1
        case .stepsCompleted(_, let stage, let firstStep, let kinds):
            note(stage: stage, firstStep: firstStep, kinds)
        case .checkpointCommitted:
            checkpoints += 1
        case .event(_, "checkpoint_failed", _):
            failedCheckpoints += 1
        case .event(_, "rank_lost", _):
            lostRanks += 1
        case .event(_, "worker_failed", _):
            failedWorkers += 1
        default:
            break
        }
    }

    private mutating func note(stage: String, firstStep: Int, _ kinds: [StepKind]) {
        let end = firstStep + kinds.count
        let known = completed[stage] ?? 0
        repeatedSteps += max(0, min(known, end) - firstStep)
        completed[stage] = max(known, end)
        for kind in kinds {
            switch kind {
            case .single: steps[stage, default: 0] += 1
            case .criticOnly: steps["critic", default: 0] += 1
            case .criticAndStudent:
                steps["critic", default: 0] += 1
                steps["student", default: 0] += 1
            }
        }
    }
}
