import Testing

@testable import Coordination

@Suite struct SaveSpacingTests {
    @Test("Saves that cost little, or that nothing limits, are made at every multiple of the interval")
    func asDeclared() {
        for (share, stall) in [(0.0, 100.0), (0.02, 0.01)] {
            var spacing = SaveSpacing(interval: 10, maximumStallShare: share)
            spacing.note(stallSeconds: stall)
            #expect(spacing.decide(stepsPerSecond: 5) == nil)
            #expect((1...40).filter(spacing.isDue) == [10, 20, 30, 40])
        }
    }

    @Test("Without an interval nothing is saved, whatever a save costs")
    func none() {
        var spacing = SaveSpacing(interval: 0, maximumStallShare: 0.02)
        spacing.note(stallSeconds: 1)
        #expect(spacing.decide(stepsPerSecond: 5) == nil)
        #expect(!(1...40).contains(where: spacing.isDue))
    }

    @Test("Dear saves are as near each other as the limit allows, and cheap ones come back to the interval")
    func limit() {
        var spacing = SaveSpacing(interval: 10, maximumStallShare: 0.02)
        spacing.note(stallSeconds: 0.1)
        // 0.1 s are 2% of 5 s, which are 25 steps: the next multiple of 10 is 30.
        let decision = spacing.decide(stepsPerSecond: 5)
        #expect(decision == .init(interval: 30, before: 10, stallSeconds: 0.1, stepsPerSecond: 5))
        #expect((1...70).filter(spacing.isDue) == [30, 60])
        #expect(spacing.decide(stepsPerSecond: 500) == nil, "one save is judged once")
        spacing.note(stallSeconds: 0.001)
        #expect(spacing.decide(stepsPerSecond: 5)?.interval == 10)
    }

    @Test("However dear a save is, there is one, and a speed that is not known decides nothing")
    func bounds() {
        var spacing = SaveSpacing(interval: 10, maximumStallShare: 0.02)
        spacing.note(stallSeconds: 1e9)
        #expect(spacing.decide(stepsPerSecond: 0) == nil)
        #expect(spacing.decide(stepsPerSecond: 5)?.interval == 1000)
        spacing.note(stallSeconds: .infinity)
        #expect(spacing.decide(stepsPerSecond: 5) == nil)
    }

    @Test("A tracker spaces a stage's saves by what its metrics say, and journals why")
    func tracked() {
        var tracker = StageTracker()
        let stage = StageDeclaration(
            name: "distil", index: 0, count: 1, goal: .steps(count: 100), checkpointInterval: 10,
            maximumStallShare: 0.1, windowSteps: 8)
        _ = tracker.begin(stage, generation: 1)
        let row = MetricRow(stage: "distil", step: 9, name: MetricRow.stallSeconds, value: 1)
        _ = tracker.note([row], generation: 1)
        var (step, saves, events) = (0, [Int](), [JournalEntry]())
        while step < 100,
            case .granted(let window, let entries) = tracker.window(
                stage: "distil", from: step, stepsPerSecond: 4, generation: 1)
        {
            (step, saves) = (window.endStep, saves + window.checkpointAfter)
            events += entries.filter { if case .event = $0 { true } else { false } }
        }
        #expect(saves == [40, 80, 100])
        let detail = [
            "stage": "distil", "interval": "40", "before": "10", "stall_seconds": "1.0", "steps_per_second": "4.0",
        ]
        #expect(events == [.event(generation: 1, kind: "saves_spaced", detail: detail)])
    }
}
