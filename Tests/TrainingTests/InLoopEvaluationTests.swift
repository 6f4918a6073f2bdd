import Checkpoints
import Communication
import Journal
import Logging
import Testing
import Training

struct InLoopEvaluationTests {
    private func due(every: Int, goingOnFrom start: Int, _ checkpoints: [Int]) -> [Int] {
        var schedule = InLoopEvaluation(every: every, goingOnFrom: start)
        return checkpoints.filter { schedule.isDue(atCheckpointWith: $0, isLast: $0 == 100) }
    }

    @Test("The student is measured at the first checkpoint after every so many updates, and at the last")
    func cadence() {
        #expect(due(every: 20, goingOnFrom: 0, [10, 20, 30, 45, 50, 59, 60, 100]) == [20, 45, 60, 100])
        #expect(due(every: 0, goingOnFrom: 0, [10, 50, 100]) == [])
        #expect(due(every: 7, goingOnFrom: 0, [5, 6, 100]) == [100])
    }

    @Test("A run that goes on from a checkpoint measures at the same ones as one that did not stop")
    func resumed() {
        let checkpoints = [10, 20, 30, 45, 50, 59, 60, 100]
        for start in checkpoints.dropLast() {
            let rest = checkpoints.filter { $0 > start }
            #expect(
                due(every: 20, goingOnFrom: start, rest)
                    == due(every: 20, goingOnFrom: 0, checkpoints).filter { $0 > start })
        }
    }

    private static func configuration(in run: TemporaryRun) -> RunConfiguration {
        var configuration = TinyRun(folder: run.folder).configuration
        configuration.evaluate.everyStudentUpdates = 1
        configuration.evaluate.inLoopImages = 70
        return configuration
    }

    @Test("What is measured is in the journal at its step, in the checkpoint's manifest, and equal at 1 and 2 ranks")
    func figures() throws {
        let runs = [TemporaryRun(), TemporaryRun()]
        let found = try runs.enumerated().map { index, run in
            let configuration = Self.configuration(in: run)
            _ = try InProcessCommunicator.run(rankCount: index + 1) { communicator in
                let control: any ControlLink =
                    communicator.rank == 0
                    ? try InProcessControl(
                        owning: OwnedRunFolder(configuration: configuration, fresh: false), rankCount: index + 1)
                    : SilentControl(generation: 1)
                return try Worker(
                    configuration, communicator: communicator, control: control, printsWeightsHash: false,
                    logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }
                ) { _ in }.run()
            }
            return try Journal.reading(path: run.layout.journal).metric("frechet_distance", stage: "distil")
        }
        // Checkpoints after steps 3 and 4, in which the student is updated in steps 0 and 2: at the first, and the last.
        #expect(found[0].map(\.step) == [2, 3])
        #expect(found[0].map(\.value) == found[1].map(\.value))

        let store = runs[0].layout.checkpoints(of: "distil")
        let best = try #require(try store.best())
        let lowest = found[0].map(\.value).min()
        #expect(best.distance == lowest)
    }
}
