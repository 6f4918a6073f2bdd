package import Checkpoints
package import Coordination
import Foundation
import Journal

/// Rank 0's line in a run without a coordinator: the same scheduler, journal and checkpoints, in process. SIGTERM,
/// SIGINT and SIGUSR1 stop the run after the window in progress, if `TerminationSignals` counts them.
package final class InProcessControl: ControlLink {
    package let generation: Int
    private let folder: OwnedRunFolder
    private let journal: Journal
    private var stages: StageTracker
    private var ledger = ProgressLedger()

    /// Takes over the scheduling of the run in a folder that this process owns.
    package init(owning folder: OwnedRunFolder, rankCount: Int) throws(ControlError) {
        self.folder = folder
        do {
            journal = try Journal.writing(path: folder.layout.journal)
            generation = try journal.lastGeneration() + 1
            stages = StageTracker(ratios: try journal.ratioSchedules())
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
        if TerminationSignals.count > 0 { try record(stages.request(.stop).entries) }
        let grant = stages.window(
            stage: stage, from: step, stepsPerSecond: ledger.stepsPerSecond, generation: generation)
        guard let grant else { throw .refused(reason: "no window of '\(stage)' begins at step \(step)") }
        try record(grant.entries)
        return grant.window
    }

    package func report(_ report: ProgressReport) {
        ledger.add(report, at: monotonicSeconds())
    }

    package func checkpointPrepared(_ draft: CheckpointDraft) throws(ControlError) {
        try flush()
        do {
            let checkpoint = try folder.layout.checkpoints(of: draft.stage).publish(draft)
            try journal.record(
                .checkpointCommitted(
                    stage: draft.stage, step: draft.step, path: checkpoint.folder,
                    manifestSHA256: checkpoint.manifestSHA256))
            try note("checkpoint_committed", ["stage": draft.stage, "step": "\(draft.step)"])
        } catch {
            throw .checkpointFailed(stage: draft.stage, step: draft.step, reason: "\(error)")
        }
    }

    package func notice(_ text: String) throws(ControlError) {
        try note("notice", ["text": text])
        FileHandle.standardError.write(Data("dmd2-worker: \(text)\n".utf8))
    }

    package func stageFinished(_ stage: String, step: Int) throws(ControlError) {
        try flush()
        try record(stages.advance(stage: stage, to: step, generation: generation))
        try note("stage_finished", ["stage": stage, "step": "\(step)"])
    }

    package func finished() throws(ControlError) {
        try flush()
        try note("finished", [:])
        try record([.generationEnded(generation: generation, cause: "finished")])
    }

    package func failed(_ status: ExitStatus, reason: String) {
        let cause = JournalEntry.generationEnded(generation: generation, cause: reason)
        // The failure itself is what gets reported; a journal that cannot take it is no second one.
        try? journal.record(cause)
    }

    private func flush() throws(ControlError) {
        var heartbeat = ledger.takeHeartbeat(at: monotonicSeconds())
        heartbeat.memory = ProcessMemory.now
        let memory = heartbeat.memoryRows(rank: 0)
        if !memory.isEmpty { try record([.metrics(rows: memory)]) }
        try record(stages.note(heartbeat.metrics))
        try record(stages.advance(stage: heartbeat.stage, to: heartbeat.step, generation: generation))
        if ledger.hasMetrics { try flush() }
    }

    private func note(_ kind: String, _ detail: [String: String]) throws(ControlError) {
        try record([.event(generation: generation, kind: kind, detail: detail)])
    }

    private func record(_ entries: [JournalEntry]) throws(ControlError) {
        do {
            for entry in entries { try journal.record(entry) }
        } catch {
            throw .journal(error.description)
        }
    }
}
