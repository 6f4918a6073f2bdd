package import Coordination
import Foundation
package import Journal

/// What a coordinator that starts reads in the journal.
extension Journal {
    /// What is known of all earlier launches. Times are on the clock of `monotonicSeconds`.
    package func history() throws(JournalError) -> Coordinator.History {
        let offset = monotonicSeconds() - Date.now.timeIntervalSince1970
        let events = try events()
        return Coordinator.History(
            lastGeneration: try lastGeneration(), ratios: try ratioSchedules(), reached: try completedSteps(),
            updates: try studentHistories(), time: TimeLedger(events).shifted(by: offset),
            checkpoints: PublishedCheckpoints(events).shifted(by: offset))
    }

    /// The state of the last launch, which has not ended.
    package func liveLaunch(_ generation: Int, on placement: LaunchPlacement) throws(JournalError) -> LiveLaunch {
        var launch = LiveLaunch(generation: generation, placement: placement)
        for event in try events() { launch.note(event) }
        launch.lastCause = try generations().last { $0.generation < generation }?.cause
        guard let stage = launch.stage else { return launch }
        let plans = try plans().filter { $0.stage == stage.name }
        launch.windows = plans.filter { $0.generation == generation }.compactMap(\.window)
        launch.everGrantedEnd = plans.map { $0.firstStep + $0.kinds.count }.max() ?? 0
        launch.step = max(stage.startStep, try completedSteps(stage: stage.name, generation: generation))
        return launch
    }
}

extension PlanRecord {
    fileprivate var window: PlanWindow? {
        let known = kinds.compactMap(StepKind.init(rawValue:))
        guard known.count == kinds.count else { return nil }
        return PlanWindow(
            stage: stage, firstStep: firstStep, kinds: known, checkpointAfter: checkpointAfter,
            stopsAtEnd: stopsAtEnd, finishesStage: finishesStage)
    }
}

extension LiveLaunch {
    /// Takes in an event of the run's life, in order.
    fileprivate mutating func note(_ event: EventRecord) {
        let detail = event.particulars
        let isOwn = event.generation == generation
        switch event.kind {
        case "launch_started" where isOwn: restartsUsed = detail["restarts_used"].flatMap { Int($0) } ?? 0
        case "ranks_complete" where isOwn: isComplete = true
        case "stage_begun" where isOwn:
            stage = detail["declaration"].flatMap {
                try? JSONDecoder().decode(StageDeclaration.self, from: Data($0.utf8))
            }
        case "save_asked" where detail["stage"] == stage?.name:
            savesAsked.formUnion(detail["step"].flatMap { Int($0) }.map { [$0] } ?? [])
        case "checkpoint_committed" where isOwn, "stage_finished" where isOwn: restartsUsed = 0
        case "stop_asked" where isOwn: stopCause = stopCause ?? detail["by"].flatMap(Supervisor.StopCause.init)
        case "resize" where isOwn: resizeReason = detail["reason"]
        case "worker_failed" where isOwn && failure == nil:
            failure = Failure(
                exitCode: detail["exit_code"].flatMap { Int32($0) } ?? ExitStatus.unexpectedFailure.rawValue,
                reason: "rank \(detail["rank"] ?? "?"): \(detail["reason"] ?? "")")
        case "finished" where isOwn: isFinished = true
        case "first_step" where isOwn: (hasWorked, isRedoing) = (true, detail["redone"] == "true")
        case "caught_up" where isOwn: isRedoing = false
        default: break
        }
    }
}

extension TimeLedger {
    /// The ledger of a run whose events are these, in order; times are seconds since 1970.
    package init(_ events: [EventRecord]) {
        self.init()
        for event in events { note(event) }
    }

    /// Takes in one event.
    package mutating func note(_ event: EventRecord) {
        guard let time = event.time?.timeIntervalSince1970 else { return }
        note(event.moment ?? .other, at: time)
    }
}

extension PublishedCheckpoints {
    /// Those of a run whose events are these, in order; times are seconds since 1970.
    package init(_ events: [EventRecord]) {
        self.init()
        for event in events {
            guard ["checkpoint_committed", "stage_begun", "rolled_back"].contains(event.kind),
                let stage = event.particulars["stage"], let time = event.time?.timeIntervalSince1970
            else { continue }
            switch event.kind {
            case "checkpoint_committed": published(stage: stage, step: event.number("step"), at: time)
            case "stage_begun": discard(stage: stage, after: event.number("step"))
            default: discard(stage: stage, after: event.number("to_step"))
            }
        }
    }
}

extension EventRecord {
    fileprivate var moment: TimeLedger.Moment? {
        let silentSeconds = particulars["silent_seconds"].flatMap { Double($0) } ?? 0
        return switch kind {
        case "launch_started": .launched
        case "ranks_complete": .ranksComplete
        case "first_step": .worked(isRedone: particulars["redone"] == "true")
        case "caught_up": .caughtUp
        case "finished": .finished
        case "rank_lost": .troubleKnown(silentSeconds: silentSeconds)
        case "launch_ended": .launchEnded(silentSeconds: silentSeconds)
        case "run_ended": .runEnded
        default: nil
        }
    }
}
