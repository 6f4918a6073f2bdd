import Checkpoints
import Coordination
import Foundation
import Journal
import Testing

extension ProgramTests {
    /// A process that dies, or a step that fails, anywhere in the life of a checkpoint costs no more than steps that are
    /// done again.
    struct CheckpointFaultTests {
        /// Checkpoints are made after 5, 10 and 12 steps; two are kept, so the third makes the first outdated.
        private static let steps = 12
        private static let arguments = [
            "--stop-after", "\(steps)", "--print-weights-hash", "--set", "checkpoints.keepLast=2",
        ]

        /// The weights of an undisturbed run on one rank, without mpirun.
        private static let undisturbed = Task {
            let sandbox = try Sandbox()
            return try await sandbox.run("dmd2-worker", ["--config", sandbox.configuration] + arguments).weights
        }

        /// `replace` is passed only by a checkpoint that is there already; the store's own tests let it fail.
        static let places = Failpoint.Place.allCases.filter { $0 != .replace }

        private static func firstRepeatedStep(in sandbox: Sandbox) throws -> Int? {
            let plans = try LiveRun(folder: sandbox.runFolder).journal().plans()
            return plans.filter { $0.generation == 2 && $0.stage == "teacher" }.map(\.firstStep).min()
        }

        @Test(
            "Killed at any step of the protocol, the run goes on from a verified checkpoint to the same weights",
            arguments: places)
        func killed(at place: Failpoint.Place) async throws {
            let sandbox = try Sandbox()
            let command =
                ["--config", sandbox.configuration, "--set", "run.folder=\(sandbox.runFolder)"] + Self.arguments
            let step = place == .removal ? Self.steps : 10
            let killed = try await sandbox.run(
                "dmd2-worker", command, environment: [Failpoint.variable: "die:\(place.rawValue):\(step)"])
            #expect(killed.exitCode == 128 + SIGKILL, "\(killed.errors)")

            let continued = try await sandbox.run("dmd2-worker", command)
            #expect(continued.exitCode == 0, "\(continued.errors)")
            #expect(continued.weights == (try await Self.undisturbed.value))
            #expect(!continued.errors.contains("is not used"), "nothing that was published is damaged")
            let published: [Failpoint.Place] = [.parentFlush, .journal, .retention]
            let repeated = try Self.firstRepeatedStep(in: sandbox)
            #expect(repeated == (place == .removal ? nil : published.contains(place) ? 10 : 5))
            let left = try FileManager.default.contentsOfDirectory(atPath: sandbox.runFolder + "/checkpoints/distil")
            #expect(left.sorted() == ["step-00000010", "step-00000012"])
        }

        @Test(
            "A step of the protocol that fails costs its checkpoint and nothing else",
            arguments: [Failpoint.Place.shard, .rename])
        func failed(at place: Failpoint.Place) async throws {
            let sandbox = try Sandbox()
            let command =
                ["run", sandbox.configuration, "--set", "run.folder=\(sandbox.runFolder)"] + Self.arguments
            let outcome = try await sandbox.run(
                "dmd2", command, environment: [Failpoint.variable: "fail:\(place.rawValue):10"])
            #expect(outcome.exitCode == 0, "\(outcome.errors)")
            #expect(outcome.weights == (try await Self.undisturbed.value))
            let journal = try LiveRun(folder: sandbox.runFolder).journal()
            #expect(try journal.generations().map(\.generation) == [1])
            #expect(try journal.events().count { $0.kind == "checkpoint_failed" } == 2, "of teacher and distil")
            #expect(try journal.checkpoints().filter { $0.stage == "teacher" }.map(\.step) == [5, 12])
            #expect(outcome.complaints.contains { $0.contains("it was told to fail") }, "\(outcome.errors)")
        }

        @Test("Ranks that are killed while they write cost steps that are done again")
        func killedRanks() async throws {
            let sandbox = try Sandbox()
            let command =
                ["run", sandbox.configuration, "--set", "run.folder=\(sandbox.runFolder)"] + Self.arguments
            let ranks = try await sandbox.run(
                "dmd2", command, environment: [Failpoint.variable: "die:shard:10"])
            #expect(ranks.exitCode == 0, "\(ranks.errors)")
            #expect(ranks.weights == (try await Self.undisturbed.value))
            let generations = try LiveRun(folder: sandbox.runFolder).journal().generations()
            #expect(generations.map(\.generation) == [1, 2])

            #expect(sandbox.liveProcesses.isEmpty)
        }

        @Test("A failpoint that makes no sense is refused at the start")
        func nonsense() async throws {
            let sandbox = try Sandbox()
            for (program, arguments) in [
                ("dmd2-worker", ["--config", sandbox.configuration]), ("dmd2", ["run", sandbox.configuration]),
            ] {
                let outcome = try await sandbox.run(program, arguments, environment: [Failpoint.variable: "die:5"])
                #expect(outcome.exitCode == Coordination.ExitStatus.usage.rawValue)
                #expect(outcome.complaints.count == 1, "\(outcome.errors)")
            }
        }
    }
}
