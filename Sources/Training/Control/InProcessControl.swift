package import Checkpoints
package import Coordination
import Foundation
import Journal

/// Rank 0's line in a run without a coordinator: the same scheduler, journal and checkpoints, in process. SIGTERM,
/// SIGINT and SIGUSR1 stop the run after the window in progress, if `TerminationSignals` counts them.
package final class InProcessControl: ControlLink {
    package let generation: Int
    private let folder: OwnedRunFolder
    private var journal: PatientJournal
    private var stages: StageTracker
    private var ledger = ProgressLedger()
    private var publishing: (draft: CheckpointDraft, outcome: Monitor<Result<Checkpoint, CheckpointError>?>)?
    private let retention = RetentionThread()

    /// Takes over the scheduling of the run in a folder that this process owns.
    package init(owning folder: OwnedRunFolder, rankCount: Int) throws(ControlError) {
        self.folder = folder
        do {
            let journal = try Journal.writing(path: folder.layout.journal)
            generation = try journal.lastGeneration() + 1
            stages = StageTracker(
                ratios: try journal.ratioSchedules(), histories: try journal.studentHistories())
            self.journal = PatientJournal(journal)
            try journal.record(.generationStarted(generation: generation, ranks: rankCount))
        } catch {
            throw .journal(error.description)
        }
    }

    package func beginStage(_ stage: StageDeclaration) throws(ControlError) {
        try flush()
        try record(stages.begin(stage, generation: generation))
    }

    package func window(stage: String, from step: Int) throws(ControlError) -> PlanWindow {
        try flush()
        try endIfCollapsed()
        if TerminationSignals.count > 0 { try record(stages.request(.stop).entries) }
        let outcome = stages.window(
            stage: stage, from: step, stepsPerSecond: ledger.stepsPerSecond, generation: generation)
        switch outcome {
        case .granted(let window, let entries):
            try record(entries)
            return window
        // All that was measured has been noted just now, so nothing is left to wait for.
        case .undecided, .refused:
            throw .refused(reason: "no window of '\(stage)' begins at step \(step)")
        }
    }

    package func report(_ report: ProgressReport) {
        ledger.add(report, at: monotonicSeconds())
    }

    package func beginPublishing(_ draft: CheckpointDraft) throws(ControlError) {
        precondition(publishing == nil, "a second checkpoint is prepared before the first is published")
        try flush()
        try endIfCollapsed()
        let store = folder.checkpoints(of: draft.stage, onNodes: draft.isOnNodes)
        if let reason = stages.reasonNotToPublish(stage: draft.stage, step: draft.step) {
            // What cannot be removed now is removed by the next save.
            try? store.abandon(store.saveInProgress(step: draft.step, generation: draft.generation))
            return try checkpointDropped(draft.stage, step: draft.step, reason: reason)
        }
        let outcome = Monitor<Result<Checkpoint, CheckpointError>?>(nil)
        publishing = (draft, outcome)
        Thread.detachNewThread {
            let result = Result { () throws(CheckpointError) in try store.publishOrAbandon(draft) }
            outcome.withLock { $0 = result }
        }
    }

    package func hasPublished() throws(ControlError) -> Bool {
        guard let publishing else { return true }
        guard let result = publishing.outcome.withLock({ $0 }) else { return false }
        self.publishing = nil
        try settle(publishing.draft, result)
        return true
    }

    package func awaitPublication() throws(ControlError) {
        while try !hasPublished() {
            _ = publishing?.outcome.wait(seconds: 1) { $0 }
        }
        retention.finish()
    }

    package func checkpointDropped(_ stage: String, step: Int, reason: String) throws(ControlError) {
        try note("checkpoint_failed", ["stage": stage, "step": "\(step)", "reason": reason])
        say("the checkpoint of \(stage) after step \(step) is given up: \(reason)")
    }

    /// Writes down how a publication went, and only then has the older checkpoints removed.
    private func settle(
        _ draft: CheckpointDraft, _ result: Result<Checkpoint, CheckpointError>
    ) throws(ControlError) {
        let checkpoint: Checkpoint
        do {
            checkpoint = try result.get()
        } catch {
            try note(
                "checkpoint_failed", ["stage": draft.stage, "step": "\(draft.step)", "reason": error.description])
            throw .checkpointFailed(stage: draft.stage, step: draft.step, reason: error.description)
        }
        let store = folder.checkpoints(of: draft.stage, onNodes: draft.isOnNodes)
        do {
            try store.reach(.journal, step: draft.step, generation: draft.generation)
        } catch {
            throw .journal(error.description)
        }
        try record([
            .checkpointCommitted(
                stage: draft.stage, step: draft.step, path: checkpoint.folder,
                manifestSHA256: checkpoint.manifestSHA256)
        ])
        try note(
            "checkpoint_committed",
            ["stage": draft.stage, "step": "\(draft.step)", "place": draft.isOnNodes ? "nodes" : "run folder"])
        retention.removeOutdated(after: draft.step, generation: draft.generation, in: store, telling: say)
    }

    package func notice(_ text: String) throws(ControlError) {
        try note("notice", ["text": text])
        say(text)
    }

    package func stageFinished(_ stage: String, step: Int) throws(ControlError) {
        try flush()
        try record(stages.advance(stage: stage, to: step, generation: generation))
        try note("stage_finished", ["stage": stage, "step": "\(step)"])
    }

    package func finished() throws(ControlError) {
        try flush()
        try note("finished", [:])
        try record(ending(.done, "finished"))
    }

    package func failed(_ status: ExitStatus, reason: String) {
        // The failure itself is what gets reported; a journal that cannot take it is no second one.
        for entry in ending(status, reason) { _ = try? journal.record(entry) }
    }

    /// As a coordinator writes the end of a launch and of the run.
    private func ending(_ status: ExitStatus, _ message: String) -> [JournalEntry] {
        [
            .generationEnded(generation: generation, cause: message),
            .event(
                generation: generation, kind: "run_ended",
                detail: ["status": "\(status.rawValue)", "message": message]),
        ]
    }

    private let say: @Sendable (String) -> Void = {
        StandardStream.error.write("dmd2-worker: \($0)\n")
    }

    /// Goes back to the last sound checkpoint and throws if training has collapsed.
    private func endIfCollapsed() throws(ControlError) {
        guard let collapse = stages.collapse else { return }
        // One that is on its way to the disk must not appear behind the withdrawal's back; one that fails never will.
        try? awaitPublication()
        let withdrawal: Withdrawal
        do {
            withdrawal = try folder.layout.withdraw(stage: collapse.stage, after: collapse.lastSoundStep)
        } catch {
            throw .collapsed("\(collapse.description); the checkpoints after it stay: \(error)")
        }
        try record(withdrawal.entries(generation: generation))
        throw .collapsed(([collapse.description] + withdrawal.lines).joined(separator: "; "))
    }

    private func flush() throws(ControlError) {
        var heartbeat = ledger.takeHeartbeat(at: monotonicSeconds())
        heartbeat.memory = ProcessMemory.now
        let memory = heartbeat.memoryRows(rank: 0)
        if !memory.isEmpty { try record([.metrics(rows: memory)]) }
        try record(stages.note(heartbeat.metrics, generation: generation))
        try record(stages.advance(stage: heartbeat.stage, to: heartbeat.step, generation: generation))
        if ledger.hasMetrics { try flush() }
    }

    private func note(_ kind: String, _ detail: [String: String]) throws(ControlError) {
        try record([.event(generation: generation, kind: kind, detail: detail)])
    }

    private func record(_ entries: [JournalEntry]) throws(ControlError) {
        do {
            for entry in entries {
                switch try journal.record(entry) {
                case .written, .waits: break
                case .beginsToWait(let reason): say("\(reason); training goes on, and the journal is written later")
                case .caughtUp(let count): say("the journal is written again; \(count) entries had been waiting")
                }
            }
        } catch {
            throw .journal(error.description)
        }
    }
}
