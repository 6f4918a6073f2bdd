import Coordination
import Testing
import Training

@Suite final class RunCountersTests {
    private var counters = RunCounters()

    @Test("A step counts once for each network it updates")
    func networks() {
        counters.note(.stepsCompleted(generation: 1, stage: "teacher", firstStep: 0, kinds: [.single, .single]))
        counters.note(
            .stepsCompleted(
                generation: 1, stage: "distil", firstStep: 0, kinds: [.criticAndStudent, .criticOnly, .criticOnly]))
        #expect(counters.steps == ["teacher": 2, "critic": 3, "student": 1])
    }

    @Test("Steps done again after a restart are counted as repeated, new ones beside them are not")
    func repeated() {
        counters.note(
            .stepsCompleted(
                generation: 1, stage: "distil", firstStep: 0, kinds: .init(repeating: .criticOnly, count: 10)))
        counters.note(
            .stepsCompleted(
                generation: 2, stage: "distil", firstStep: 6, kinds: .init(repeating: .criticOnly, count: 5)))
        counters.note(.stepsCompleted(generation: 2, stage: "distil", firstStep: 11, kinds: [.criticOnly]))
        #expect(counters.repeatedSteps == 4)
    }

    @Test("Launches, checkpoints and losses are counted")
    func events() {
        for generation in 1...3 { counters.note(.generationStarted(generation: generation, ranks: 2)) }
        counters.note(.checkpointCommitted(stage: "distil", step: 5, path: "p", manifestSHA256: "s"))
        for kind in ["checkpoint_failed", "rank_lost", "worker_failed", "worker_failed", "notice"] {
            counters.note(.event(generation: 1, kind: kind, detail: [:]))
        }
        #expect(counters.launches == 3 && counters.checkpoints == 1 && counters.failedCheckpoints == 1)
        #expect(counters.lostRanks == 1 && counters.failedWorkers == 2)
    }
}
