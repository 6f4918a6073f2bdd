import Coordination
import Testing

@Suite struct StageSchedulerTests {
    private func distil(
        updates: Int = 20, ratio: Int = 5, start: Int = 0, interval: Int = 25, stopAfter: Int? = nil
    ) -> StageDeclaration {
        StageDeclaration(
            name: "distil", index: 1, count: 3, goal: .studentUpdates(count: updates, ratio: ratio), startStep: start,
            checkpointInterval: interval, windowSteps: 8, stopAfter: stopAfter)
    }

    /// All windows to the end of the stage.
    private func windows(_ scheduler: inout StageScheduler, from start: Int = 0) -> [PlanWindow] {
        var windows: [PlanWindow] = []
        var step = start
        while let grant = scheduler.window(from: step, stepsPerSecond: 0) {
            windows.append(grant.window)
            step = grant.window.endStep
            if grant.window.finishesStage || grant.window.stopsAtEnd { break }
        }
        return windows
    }

    @Test("Windows follow each other without a gap and end when the last cycle is complete")
    func coversTheStage() {
        var scheduler = StageScheduler(distil())
        let all = windows(&scheduler)
        #expect(all.map(\.firstStep) == [0] + all.dropLast().map(\.endStep))
        #expect(all.last?.endStep == 100)
        #expect(all.last?.finishesStage == true)
        #expect(all.flatMap(\.kinds).count { $0 == .criticAndStudent } == 20)
        #expect(all.allSatisfy { $0.kinds.count <= 8 })
    }

    @Test("State is saved at every multiple of the interval and at the end")
    func saves() {
        var scheduler = StageScheduler(distil(updates: 11))
        #expect(windows(&scheduler).flatMap(\.checkpointAfter) == [25, 50, 55])
    }

    @Test("Windows are short at first and last two seconds at most")
    func windowLength() {
        var scheduler = StageScheduler(distil())
        #expect(windows(&scheduler).prefix(5).map(\.kinds.count) == [1, 2, 4, 8, 8])
        var slow = StageScheduler(distil())
        var step = 0
        for _ in 0..<4 {
            let window = slow.window(from: step, stepsPerSecond: 0.1)?.window
            #expect(window?.kinds.count == 1)
            step = window?.endStep ?? 0
        }
    }

    @Test("Asking twice for a window gives the same window and grants nothing")
    func repeatedRequest() {
        var scheduler = StageScheduler(distil())
        let first = scheduler.window(from: 0, stepsPerSecond: 0)
        let again = scheduler.window(from: 0, stepsPerSecond: 0)
        #expect(first?.window == again?.window)
        #expect(first?.isNew == true)
        #expect(again?.isNew == false)
        #expect(scheduler.window(from: 7, stepsPerSecond: 0) == nil)
    }

    @Test("A new ratio applies from the first step not granted")
    func ratio() throws {
        var scheduler = StageScheduler(distil())
        _ = scheduler.window(from: 0, stepsPerSecond: 0)
        _ = scheduler.window(from: 1, stepsPerSecond: 0)
        let segment = try scheduler.setRatio(10)
        #expect(segment == .init(firstStep: 3, ratio: 10, anchorStep: 10))
        #expect(scheduler.totalSteps == 200)
        let kinds = windows(&scheduler, from: 3).flatMap(\.kinds)
        #expect(kinds.count == 197)
        #expect(kinds.count { $0 == .criticAndStudent } == 19)
    }

    @Test("After a restart the steps run before are replayed with the same kinds")
    func restart() throws {
        var scheduler = StageScheduler(distil())
        var before: [StepKind] = []
        for step in [0, 1, 3, 7] { before += scheduler.window(from: step, stepsPerSecond: 0)?.window.kinds ?? [] }
        scheduler.restart(distil(start: 5))
        let segment = try scheduler.setRatio(2)
        #expect(segment.firstStep == before.count, "the change waits until what was once granted is over")
        let after = windows(&scheduler, from: 5).flatMap(\.kinds)
        #expect(Array(after.prefix(before.count - 5)) == Array(before.dropFirst(5)))
    }

    @Test("A save is made after the first step not granted")
    func saveSoon() throws {
        var scheduler = StageScheduler(distil(interval: 0))
        _ = scheduler.window(from: 0, stepsPerSecond: 0)
        #expect(try scheduler.saveSoon() == 2)
        #expect(scheduler.window(from: 1, stepsPerSecond: 0)?.window.checkpointAfter == [2])
    }

    @Test("A save that was granted and not reached is made after the restart; one that was reached is not")
    func saveIsCarriedOver() throws {
        var scheduler = StageScheduler(distil(interval: 0))
        _ = scheduler.window(from: 0, stepsPerSecond: 0)
        #expect(try scheduler.saveSoon() == 2)
        _ = scheduler.window(from: 1, stepsPerSecond: 0)
        #expect(try scheduler.saveSoon() == 4)
        _ = scheduler.window(from: 3, stepsPerSecond: 0)
        scheduler.restart(distil(start: 2, interval: 0))
        #expect(windows(&scheduler, from: 2).flatMap(\.checkpointAfter) == [4, 100])
    }

    @Test("A stop grants one last step, saves after it and finishes nothing")
    func stop() {
        var scheduler = StageScheduler(distil())
        _ = scheduler.window(from: 0, stepsPerSecond: 0)
        #expect(scheduler.stop() == 2)
        let window = scheduler.window(from: 1, stepsPerSecond: 0)?.window
        #expect(
            window
                == PlanWindow(
                    stage: "distil", firstStep: 1, kinds: [.criticOnly], checkpointAfter: [2], stopsAtEnd: true))
        #expect(throws: StageRefusal.ending) { try scheduler.setRatio(3) }
        #expect(throws: StageRefusal.ending) { try scheduler.saveSoon() }
    }

    @Test("A stage that was complete before ends with an empty window")
    func completeBefore() {
        var scheduler = StageScheduler(distil(start: 100))
        let window = scheduler.window(from: 100, stepsPerSecond: 0)?.window
        #expect(window?.kinds.isEmpty == true)
        #expect(window?.finishesStage == true)
        #expect(throws: StageRefusal.allGranted) { try scheduler.saveSoon() }
    }

    @Test("What trains nothing has no windows and no state to save")
    func tasks() {
        var scheduler = StageScheduler(
            StageDeclaration(
                name: "evaluate", index: 3, count: 4, goal: .tasks(count: 8), checkpointInterval: 0, windowSteps: 8))
        #expect(scheduler.totalSteps == 8)
        #expect(scheduler.window(from: 0, stepsPerSecond: 0) == nil)
        #expect(throws: StageRefusal.nothingTrained) { try scheduler.saveSoon() }
    }

    @Test("stopAfter ends the stage early, and a stage of single steps has no ratio")
    func stopAfter() {
        var early = StageScheduler(distil(stopAfter: 20))
        #expect(windows(&early).last?.endStep == 20)
        var teacher = StageScheduler(
            StageDeclaration(
                name: "teacher", index: 0, count: 3, goal: .steps(count: 30), checkpointInterval: 10, windowSteps: 8))
        #expect(throws: StageRefusal.noStudent) { try teacher.setRatio(4) }
        let all = windows(&teacher)
        #expect(all.flatMap(\.kinds) == Array(repeating: .single, count: 30))
        #expect(all.flatMap(\.checkpointAfter) == [10, 20, 30])
    }
}
