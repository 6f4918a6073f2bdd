import Checkpoints
import Coordination
import Foundation
import Journal
import Testing

extension ProgramTests {
    /// A run that goes wrong is ended, its cause named, and left where it was still sound.
    struct CollapseTests {
        @Test("Learning rates fifty times too large end the run with 94, its cause named, back where it was sound")
        func largeLearningRates() async throws {
            let sandbox = try Sandbox()
            let settings = [
                "distil.ratio=1", "distil.ganWeight=0", "distil.criticGanWeight=0", "distil.studentUpdates=200",
                "distil.studentLearningRate=0.02", "distil.criticLearningRate=0.04",
            ]
            let outcome = try await sandbox.run(
                "dmd2", ["run", sandbox.configuration] + settings.flatMap { ["--set", $0] })
            #expect(outcome.exitCode == Coordination.ExitStatus.collapsed.rawValue, "\(outcome.errors)")
            let last = try #require(outcome.complaints.last)
            #expect(last.contains("distil collapsed at step"), "\(outcome.errors)")

            let journal = try LiveRun(folder: sandbox.runFolder).journal()
            let events = try journal.events()
            let collapse = try #require(events.last { $0.kind == "collapsed" }).particulars
            let cause = try #require(collapse["cause"])
            #expect(last.contains(cause), "the cause is named: \(outcome.errors)")
            #expect(try #require(collapse["student_updates"].flatMap { Int($0) }) <= 200)
            let sound = try #require(collapse["last_sound_step"].flatMap { Int($0) })
            let published = try CheckpointStore(folder: sandbox.runFolder + "/checkpoints/distil").publishedSteps()
            #expect(published.allSatisfy { $0 <= sound }, "\(published) after \(sound)")
            #expect(events.last { $0.kind == "rolled_back" }?.particulars["to_step"] == "\(published.first ?? 0)")
            #expect(try journal.generations().count == 1, "it is not tried again")
            #expect(sandbox.liveProcesses.isEmpty)

            let status = try await sandbox.run("dmd2", ["status", sandbox.runFolder])
            #expect(status.output.contains(cause), "\(status)")
        }
    }
}
