import Distillation
import Testing
import Training

struct StagePlanTests {
    private func names(
        upTo last: StagePlan.Stage? = nil, _ change: (inout RunConfiguration) -> Void = { _ in }
    ) -> [String] {
        var configuration = RunConfiguration(name: "test")
        change(&configuration)
        return StagePlan(configuration, upTo: last).names
    }

    @Test("Pairs are a stage only where a loss needs them")
    func pairs() {
        #expect(names() == ["teacher", "classifier", "distil", "evaluate"])
        #expect(
            names { $0.distil.regressionWeight = 1 } == ["teacher", "classifier", "pairs", "distil", "evaluate"])
    }

    @Test("A probe judges nothing, and trains the classifier only where weights depend on it")
    func probe() {
        #expect(names { $0.run.stopAfter = 5 } == ["teacher", "distil"])
        #expect(
            names {
                ($0.run.stopAfter, $0.distil.regressionWeight) = (5, 1)
            } == ["teacher", "pairs", "distil"])
        #expect(
            names {
                ($0.run.stopAfter, $0.distil.regressionWeight, $0.distil.regressionDistance) = (5, 1, .features)
            } == ["teacher", "classifier", "pairs", "distil"])
    }

    @Test("Folders of stages are in the order of the run, and strangers behind them")
    func order() {
        #expect(
            StagePlan.Stage.inOrder(["old", "distil", "classifier", "teacher", "a"])
                == ["teacher", "classifier", "distil", "a", "old"])
    }

    @Test("A run may end after any stage")
    func last() {
        #expect(names(upTo: .pairs) { $0.distil.regressionWeight = 1 } == ["teacher", "classifier", "pairs"])
        #expect(names(upTo: .teacher) == ["teacher"])
        #expect(names(upTo: .evaluate) == names())
    }

    @Test("A run cannot end after a stage that it does not have")
    func lastIsThere() throws {
        let plan = StagePlan(RunConfiguration(name: "test"))
        try plan.checkContains(nil)
        try plan.checkContains(.teacher)
        #expect(throws: ConfigurationError.self) { try plan.checkContains(.pairs) }
    }
}
