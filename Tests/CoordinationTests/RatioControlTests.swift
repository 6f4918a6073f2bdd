import Coordination
import Testing

@Suite struct RatioControlTests {
    private func automatic(updates: Int = 100, warmup: Int = 0, start: Int = 0) -> StageDeclaration {
        StageDeclaration(
            name: "distil", index: 0, count: 1,
            goal: .studentUpdates(count: updates, ratio: 1, criticWarmup: warmup, control: RatioControl(batch: 64)),
            startStep: start, checkpointInterval: 0, windowSteps: 32)
    }

    /// Runs a stage whose student updates report `rows(step, ratio)`, and returns every decision and the kinds.
    private func run(
        _ declaration: StageDeclaration, ratios: RatioSchedule? = nil, history: StudentHistory = StudentHistory(),
        until end: Int = .max, _ rows: (Int, Int) -> [MetricRow]
    ) -> (decisions: [RatioControl.Decision], kinds: [StepKind], scheduler: StageScheduler, history: StudentHistory) {
        var scheduler = StageScheduler(declaration, ratios: ratios)
        var (history, decisions, kinds) = (history, [RatioControl.Decision](), [StepKind]())
        var step = declaration.startStep
        while step < end {
            if let (decision, _) = scheduler.decideRatio(history) { decisions.append(decision) }
            guard let window = scheduler.window(from: step, stepsPerSecond: 0)?.window else { break }
            for kind in window.kinds where step < end {
                if kind == .criticAndStudent {
                    for row in rows(step, scheduler.ratios?.ratio(at: step) ?? 0) { history.add(row) }
                }
                kinds.append(kind)
                step += 1
            }
            if window.finishesStage { break }
        }
        return (decisions, kinds, scheduler, history)
    }

    @Test("A critic that lags below ratio 5 and keeps up from there on brings the ratio to 5, once a period")
    func climbs() {
        let outcome = run(automatic(updates: 200)) { studentRows(step: $0, lag: $1 < 5 ? 0.2 : 0) }
        #expect(outcome.decisions.map(\.firstStep) == outcome.decisions.indices.map { 48 * ($0 + 1) })
        #expect(outcome.decisions.map(\.to).prefix(5) == [2, 3, 5, 5, 5])
        #expect(outcome.decisions[0].reason == "the critic lags")
        #expect(outcome.decisions[0].evidence.updates == 16)
        #expect(abs((outcome.decisions[0].evidence.lag ?? 0) - 0.2) < 1e-12)
        #expect(outcome.kinds.count { $0 == .criticAndStudent } == 200)
    }

    @Test("A brightness that swings too far for two periods raises the ratio, though the critic keeps up")
    func swing() {
        // Images spread by 0.1, so a batch of 64 does by 0.0125; 0.1 to either side is 8 times that.
        let outcome = run(automatic(updates: 200)) { step, ratio in
            studentRows(step: step, brightness: -0.4 + (ratio == 1 ? (step % 8 < 4 ? 0.1 : -0.1) : 0))
        }
        let swings = outcome.decisions.prefix(2).map { $0.evidence.swing ?? 0 }
        #expect(swings.allSatisfy { $0 > 7 && $0 < 9 }, "\(swings)")
        #expect(outcome.decisions.prefix(2).map(\.reason) == ["the critic keeps up", "brightness oscillates"])
        #expect(outcome.decisions[1].evidence.earlierSwing == swings[0])
        #expect(outcome.decisions.map(\.to).prefix(4) == [1, 2, 2, 2])
    }

    @Test("One period whose brightness swings, between two that do not, changes nothing")
    func singleSwing() {
        let outcome = run(automatic(updates: 200)) { step, _ in
            studentRows(step: step, brightness: -0.4 + ((64..<80).contains(step) ? (step % 8 < 4 ? 0.1 : -0.1) : 0))
        }
        #expect(outcome.decisions.contains { ($0.evidence.swing ?? 0) > 7 })
        #expect(outcome.decisions.allSatisfy { $0.to == 1 })
    }

    @Test("A brightness that swings twice as far raises the ratio by two rungs")
    func leap() {
        let outcome = run(automatic()) { step, ratio in
            studentRows(step: step, brightness: -0.4 + (ratio == 1 ? (step % 8 < 4 ? 0.2 : -0.2) : 0))
        }
        #expect((outcome.decisions.first?.evidence.swing ?? 0) > 14)
        #expect(outcome.decisions.map(\.to).prefix(3) == [3, 3, 3])
    }

    @Test("The few updates of one period at a high ratio are no evidence of a swing: those of several are")
    func fewUpdates() {
        // The lag brings the ratio to 10. There every update swings, one to either side.
        let outcome = run(automatic(updates: 200)) { step, ratio in
            studentRows(step: step, lag: ratio < 10 ? 1 : -0.05, brightness: -0.4 + (step / 10 % 2 == 0 ? 0.2 : -0.2))
        }
        let atTen = outcome.decisions.filter { $0.from == 10 }
        #expect(atTen.count > 3)
        #expect(atTen.prefix(1).allSatisfy { $0.evidence.updates < 8 && $0.evidence.swing == nil })
        #expect(atTen.dropFirst().allSatisfy { ($0.evidence.swing ?? 0) > 9 })
        #expect(outcome.decisions.last?.evidence.updates == 16)
    }

    @Test("A trend is no swing")
    func trend() {
        let outcome = run(automatic()) { step, _ in studentRows(step: step, brightness: -0.4 + 0.001 * Double(step)) }
        // What is left about the line is rounding.
        #expect((outcome.decisions.first?.evidence.swing ?? 1) < 1e-6)
        #expect(outcome.decisions.allSatisfy { $0.to == 1 })
    }

    @Test("A critic that is ahead lets the ratio fall, a step of the ladder after three calm periods")
    func falls() {
        let outcome = run(automatic(updates: 400)) { step, ratio in
            studentRows(step: step, lag: step < 150 ? 0.2 : ratio > 3 ? -0.2 : 0)
        }
        #expect(outcome.decisions.map(\.to).prefix(9) == [2, 3, 5, 5, 5, 3, 3, 3, 3])
        #expect(outcome.decisions[5].reason == "the critic is ahead")
    }

    @Test("No window passes a step whose ratio is not decided, however fast the metrics are awaited")
    func waits() {
        var scheduler = StageScheduler(automatic())
        var step = 0
        while let window = scheduler.window(from: step, stepsPerSecond: 0)?.window { step = window.endStep }
        #expect(step == 48)
        #expect(scheduler.isUndecided(from: 48))
        // People do not set a ratio that the run sets.
        #expect(throws: StageRefusal.automaticRatio) { try scheduler.setRatio(4) }
    }

    @Test("The window before a decision begins after what is measured, so nobody waits for it")
    func horizon() {
        var scheduler = StageScheduler(automatic())
        var last = PlanWindow(stage: "", firstStep: 0, kinds: [])
        while let window = scheduler.window(from: last.endStep, stepsPerSecond: 0)?.window { last = window }
        #expect(last.endStep == 48 && last.firstStep >= 32)
    }

    @Test("A run begun again anywhere takes the same decisions", arguments: [1, 30, 47, 48, 49, 100, 170])
    func replays(step: Int) {
        func rows(_ step: Int, _ ratio: Int) -> [MetricRow] {
            studentRows(step: step, lag: 0.01 * Double((step * 7) % 23) - 0.05 * Double(ratio - 1))
        }
        let whole = run(automatic(), rows)
        let first = run(automatic(), until: step, rows)
        // What the journal holds, up to the step of the checkpoint; then also decisions beyond it.
        var known = first.history
        known.forget(from: step)
        let second = run(automatic(start: step), ratios: first.scheduler.ratios, history: known, rows)
        #expect(first.kinds + second.kinds == whole.kinds)
        #expect(first.decisions + second.decisions == whole.decisions)
    }

    @Test("Measurements that a journal has lost do not block the run")
    func lostMetrics() {
        let outcome = run(automatic(start: 40)) { step, _ in studentRows(step: step, lag: 1) }
        #expect(outcome.decisions.first?.evidence.updates == 0)
        #expect(outcome.decisions.first?.to == 1)
        #expect(outcome.kinds.count { $0 == .criticAndStudent } == 60)
    }

    @Test("A warm-up of the critic comes before the first student update and is not measured")
    func warmup() {
        let outcome = run(automatic(warmup: 10)) { step, _ in studentRows(step: step) }
        let first: [StepKind] = Array(repeating: .criticOnly, count: 10) + [.criticAndStudent]
        #expect(Array(outcome.kinds.prefix(11)) == first)
        #expect(outcome.decisions.first?.firstStep == 58)
        #expect(outcome.decisions.first?.evidence.updates == 16)
        #expect(outcome.kinds.count == 110)
    }
}
