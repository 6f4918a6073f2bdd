package import Coordination
import Foundation
import Journal
import Training

extension RunFolder {
    /// The last known state of a run that has no coordinator, as the journal tells it; nil if it was never launched.
    ///
    /// No restart counts as used: the next start has the whole budget.
    package func recordedStatus() throws -> RunStatus? {
        guard FileManager.default.fileExists(atPath: layout.journal) else { return nil }
        let journal = try journal()
        guard let launch = try journal.generations().last else { return nil }
        let events = try journal.events()
        let isFinished = events.contains { $0.kind == "finished" && $0.generation == launch.generation }
        // A run whose settings cannot be read any more still has a history.
        let configuration = try? RunConfiguration.load(path: layout.configuration)
        var status = RunStatus(
            run: configuration?.run.name ?? URL(fileURLWithPath: path).lastPathComponent,
            state: isFinished ? .done : .interrupted, generation: launch.generation, pid: 0,
            restarts: .init(
                used: 0, budget: configuration?.coordinator.maxRestartsWithoutProgress ?? 0,
                lastCause: isFinished ? nil : launch.cause),
            message: Self.message(launch))
        try describeStage(in: &status, journal, events)
        if let end = events.last?.time { status.goodput = Goodput(TimeLedger(events), at: end.timeIntervalSince1970) }
        status.checkpointProblem = Self.checkpointProblem(events)
        status.checkpoint = PublishedCheckpoints(events).newest.map {
            .init(stage: $0.stage, step: $0.step, ageSeconds: Date.now.timeIntervalSince1970 - $0.time)
        }
        return status
    }

    /// What became of the last save, if it failed.
    private static func checkpointProblem(_ events: [EventRecord]) -> String? {
        let last = events.last { ["checkpoint_committed", "checkpoint_failed"].contains($0.kind) }
        guard let last, last.kind == "checkpoint_failed" else { return nil }
        let particulars = last.particulars
        return Coordinator.checkpointProblem(
            stage: particulars["stage"] ?? "", step: last.number("step"), reason: particulars["reason"] ?? "")
    }

    private static func message(_ launch: GenerationRecord) -> String {
        guard let ended = launch.endedUTC else {
            return "not running; launch \(launch.generation) began \(launch.startedUTC), its end was not recorded"
        }
        return "not running; launch \(launch.generation) ended \(ended)" + (launch.cause.map { ": \($0)" } ?? "")
    }

    private func describeStage(in status: inout RunStatus, _ journal: Journal, _ events: [EventRecord]) throws {
        guard let begun = events.last(where: { $0.kind == "stage_begun" }),
            let stage = begun.particulars["stage"]
        else { return }
        status.stage = stage
        status.stageIndex = begun.number("index")
        status.stageCount = begun.number("count")
        status.step = try journal.completedSteps(stage: stage)
        let planned = events.last { $0.particulars["stage"] == stage && $0.particulars["steps"] != nil }
        status.totalSteps = max(planned?.number("steps") ?? 0, status.step)
        // The memory of each rank is shown beside the rank, as long as there is one.
        status.losses = try journal.latestMetrics(stage: stage).filter { !$0.key.hasPrefix("memory.") }
        // One stage of a run at most has a student.
        guard let (distillation, ratios) = try journal.ratioSchedules().first else { return }
        status.describeDistillation(
            ratios, step: try journal.completedSteps(stage: distillation),
            health: try journal.studentHistories()[distillation].flatMap(StudentHealth.of))
    }
}
