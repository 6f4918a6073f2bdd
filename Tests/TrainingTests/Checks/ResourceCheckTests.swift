import Checkpoints
import Distillation
import Foundation
import Testing
import Training

struct ResourceCheckTests {
    private func memory(needed: Int, total: Int?, available: Int?) -> Finding {
        MemoryCheck.finding(
            ranks: 2, needed: needed << 20, total: total.map { $0 << 20 }, available: available.map { $0 << 20 })
    }

    @Test("More memory than the machine has fails, more than is free now is a warning")
    func memory() {
        #expect(memory(needed: 100, total: 100, available: 100).outcome == .ok)
        #expect(memory(needed: 101, total: 200, available: 100).outcome == .warning)
        #expect(memory(needed: 201, total: 200, available: 200).outcome == .failed)
        #expect(memory(needed: 200, total: 200, available: nil).outcome == .ok)
        #expect(memory(needed: 1, total: nil, available: 1).outcome == .skipped)
        #expect(
            memory(needed: 101, total: 200, available: 100).measured
                == "101 MiB predicted for 2 ranks, of 200 MiB, 100 MiB available now")
    }

    @Test("The disk must hold what is kept and the reserve; what is there already counts")
    func disk() {
        let forecast = CheckpointForecast(TinyRun().configuration)
        let needed = forecast.total + (16 << 20)
        func outcome(free: Int, present: Int = 0) -> Finding.Outcome {
            DiskCheck.finding(forecast, free: free, present: present, path: "runs").outcome
        }
        #expect(outcome(free: needed) == .ok)
        #expect(outcome(free: needed - 1) == .failed)
        #expect(outcome(free: needed - 1, present: 1) == .ok)
    }

    @Test("A machine's own disk must hold the two saves that are kept, a new one and the reserve")
    func nodeDisk() throws {
        let forecast = CheckpointForecast(TinyRun().configuration)
        let needed = 3 * (try #require(forecast.stages.map(\.bytes).max())) + (16 << 20)
        #expect(DiskCheck.nodeFinding(forecast, free: needed, path: "/scratch").outcome == .ok)
        #expect(DiskCheck.nodeFinding(forecast, free: needed - 1, path: "/scratch").outcome == .failed)
    }

    @Test("Of each stage so many checkpoints are counted as there can be at one time")
    func counts() {
        func counts(_ change: (inout RunConfiguration) -> Void) -> [String] {
            CheckpointForecast(TinyRun { change(&$0) }.configuration).stages.map { "\($0.name) \($0.count)" }
        }
        // The teacher saves after 2, 4 and 5 steps, the distillation after 3 and 4, the classifier in the end.
        #expect(counts { _ in } == ["teacher 3", "classifier 1", "distil 2"])
        // Of 20 saves three stay, and a fourth is there before the oldest goes.
        #expect(counts { $0.distil.studentUpdates = 30 }[2] == "distil 4")
        #expect(counts { ($0.distil.studentUpdates, $0.checkpoints.keepLast) = (30, 5) }[2] == "distil 6")
        // Steps 12, 24, 36, 48 and 60 stay for good.
        #expect(counts { ($0.distil.studentUpdates, $0.checkpoints.keepEvery) = (30, 12) }[2] == "distil 9")
        #expect(counts { ($0.distil.studentUpdates, $0.evaluate.everyStudentUpdates) = (30, 5) }[2] == "distil 5")
        #expect(counts { $0.teacher.weights = "t.safetensors" } == ["classifier 1", "distil 2"])
    }
}
