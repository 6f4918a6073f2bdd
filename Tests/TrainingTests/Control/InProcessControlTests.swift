import Checkpoints
import Coordination
import Foundation
import Journal
import Testing
import Training

@Suite struct InProcessControlTests {
    private let run = TemporaryRun()

    private func stage(start: Int = 0) -> StageDeclaration {
        StageDeclaration(
            name: "distil", index: 0, count: 1, goal: .studentUpdates(count: 2, ratio: 3), startStep: start,
            checkpointInterval: 0, windowSteps: 4)
    }

    @Test("A run without a coordinator keeps the same journal: plans, steps, metrics, generations")
    func journal() throws {
        let control = try InProcessControl(owning: run.owned(), rankCount: 1)
        try control.beginStage(stage())
        var step = 0
        var isOver = false
        while !isOver {
            let window = try control.window(stage: "distil", from: step)
            for _ in window.kinds {
                step += 1
                control.report(
                    ProgressReport(
                        stage: "distil", step: step, totalSteps: 6, phase: .training, metrics: [("loss", Double(step))],
                        images: 8))
            }
            isOver = window.finishesStage
        }
        try control.stageFinished("distil", step: step)
        try control.finished()

        let journal = try Journal.reading(path: run.layout.journal)
        #expect(try journal.studentSteps(stage: "distil") == [0, 3])
        #expect(try journal.completedSteps(stage: "distil") == 6)
        #expect(try journal.metric("loss", stage: "distil").map(\.value) == [1, 2, 3, 4, 5, 6])
        let launches = try journal.generations()
        #expect(launches.map(\.cause) == ["finished"])
        #expect(try launches.map { LaunchEnding(of: $0, events: try journal.events()) } == [.finished])
        #expect(try journal.plans().flatMap(\.kinds).count == 6)
    }

    @Test("Generations go on where the last process left off, and the ratio's history is kept")
    func secondProcess() throws {
        do {
            let control = try InProcessControl(owning: run.owned(), rankCount: 1)
            #expect(control.generation == 1)
            try control.beginStage(stage())
        }
        let control = try InProcessControl(owning: run.owned(), rankCount: 1)
        #expect(control.generation == 2)
        let ratios = try Journal.reading(path: run.layout.journal).ratioSchedules()
        #expect(ratios == ["distil": RatioSchedule(ratio: 3)])
    }

    @Test("A checkpoint that lacks a shard is refused in one line, and nothing is published")
    func incompleteCheckpoint() throws {
        let control = try InProcessControl(owning: run.owned(), rankCount: 1)
        let draft = CheckpointDraft(stage: "distil", step: 5, generation: 1, shards: [], metadata: [:])
        try control.beginPublishing(draft)
        let error = #expect(throws: ControlError.self) { try control.awaitPublication() }
        #expect(error?.description.contains("\n") == false)
        let journal = try Journal.reading(path: run.layout.journal)
        #expect(try journal.checkpoints().isEmpty)
        #expect(try journal.events().last?.kind == "checkpoint_failed")
        #expect(try control.hasPublished(), "it is over")
    }

    @Test("A window that does not follow the last one is refused")
    func wrongStep() throws {
        let control = try InProcessControl(owning: run.owned(), rankCount: 1)
        try control.beginStage(stage())
        #expect(throws: ControlError.self) { try control.window(stage: "distil", from: 2) }
        #expect(throws: ControlError.self) { try control.window(stage: "teacher", from: 0) }
    }
}
