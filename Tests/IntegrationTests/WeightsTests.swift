import Coordination
import Foundation
import Journal
import TestSupport
import Testing

extension ProgramTests {
    /// The weights are the recipe's, whatever happens on the way to them.
    struct WeightsTests {
        /// Stages end after this many steps; several checkpoints lie before.
        private static let steps = 30
        private static let arguments = ["--stop-after", "\(steps)", "--print-weights-hash"]

        /// A run of these stages in the sandbox's folder: started again, it goes on.
        private static func command(in sandbox: Sandbox) -> [String] {
            ["run", sandbox.configuration, "--set", "run.folder=\(sandbox.runFolder)"] + arguments
        }

        /// The weights of an undisturbed run on one rank, without mpirun.
        private static let undisturbed = Task {
            let sandbox = try Sandbox()
            return try await sandbox.run("dmd2-worker", ["--config", sandbox.configuration] + arguments).weights
        }

        @Test("One, two and three ranks end with the same weights", arguments: [2, 3])
        func ranks(count: Int) async throws {
            let reference = try await Self.undisturbed.value
            #expect(reference.count == 2)
            #expect(reference.first?.hasPrefix("weights teacher sha256:") == true)
            #expect(reference.last?.hasPrefix("weights distil sha256:") == true)

            let outcome = try await Sandbox().runWorkers(ranks: count, Self.arguments)
            #expect(outcome.exitCode == 0, "\(outcome.errors)")
            #expect(outcome.weights == reference)
        }

        @Test("A run whose output nobody reads any more goes on to its end")
        func closedPipe() async throws {
            let sandbox = try Sandbox()
            let arguments = Self.arguments + ["--set", "run.folder=\(sandbox.runFolder)", "--set", "launch.ranks=2"]
            let command = ([Programs.path("dmd2"), "run", sandbox.configuration] + arguments).joined(separator: " ")
            // The reader is gone before the first word; the pipe's status is the run's.
            let outcome = try await sandbox.run(
                "bash", ["-c", "set -o pipefail; { sleep 0.5; \(command); } 2>&1 | true"])
            #expect(outcome.exitCode == 0, "\(outcome)")
            #expect(sandbox.liveProcesses.isEmpty)

            let said = try String(
                contentsOfFile: "\(sandbox.runFolder)/logs/generation-1/rank-0.log", encoding: .utf8)
            let weights = said.split(separator: "\n").map(String.init).filter { $0.hasPrefix("weights ") }
            #expect(try weights == (await Self.undisturbed.value), "\(said)")
        }

        /// What makes an update depend on more than its own batch, all at once: students of several steps, whose step
        /// all ranks draw alike; pairs of the regression, which ranks share in the making; shards that a rank computes
        /// one after the other; and a ratio that is found from what was measured. Long enough for the first decision
        /// on the ratio, at step 48, to take effect.
        private static let everything =
            ["--stop-after", "56", "--print-weights-hash"]
            + [
                "distil.ratio=auto", "distil.studentUpdates=60", "distil.studentSigmas=[2.5, 0.8]",
                "distil.regressionWeight=0.25", "distil.pairs=32", "distil.shards=8", "distil.ganWeight=0.04",
                "evaluate.teacherHeunSteps=4",
            ].flatMap { ["--set", $0] }

        private static let everythingOnOneRank = Task {
            let sandbox = try Sandbox()
            return try await sandbox.run("dmd2-worker", ["--config", sandbox.configuration] + everything).weights
        }

        @Test(
            "With several steps, regression, accumulation and the ratio auto, too, weights do not depend on the ranks",
            arguments: [2, 4])
        func ranksWithEverything(count: Int) async throws {
            let reference = try await Self.everythingOnOneRank.value
            #expect(reference.count == 2)

            let sandbox = try Sandbox()
            let outcome = try await sandbox.run(
                "dmd2",
                ["run", sandbox.configuration, "--set", "run.folder=\(sandbox.runFolder)"]
                    + ["--set", "launch.ranks=\(count)"] + Self.everything)
            #expect(outcome.exitCode == 0, "\(outcome.errors)")
            #expect(outcome.weights == reference)
            let decisions = try LiveRun(folder: sandbox.runFolder).journal().events().filter {
                $0.kind == "ratio_decided"
            }
            #expect(decisions.count == 1)

            let samples = try await sandbox.run(
                "dmd2", ["sample", sandbox.runFolder, "--images", "6", "--labels", "3,5", "--output", "a.png"])
            #expect(samples.exitCode == 0, "\(samples.errors)")
            #expect(samples.output.contains("6 images") && samples.output.contains("2 network calls each"))
            let picture = try #require(FileManager.default.contents(atPath: sandbox.path("a.png")))
            #expect(picture.starts(with: [0x89, 0x50, 0x4E, 0x47]))
        }

        @Test("A rank killed at a random step does not change the weights", arguments: [UInt64(1), 2])
        func killedRank(seed: UInt64) async throws {
            var generator = SplitMix(seed: seed)
            let stage = seed.isMultiple(of: 2) ? "distil" : "teacher"
            let step = Int.random(in: 0..<Self.steps - 8, using: &generator)
            let rank = Int.random(in: 0..<3, using: &generator)
            let sandbox = try Sandbox()
            let folder = sandbox.runFolder + "-stop-\(Self.steps)"

            let program = try sandbox.start(
                "dmd2", ["run", sandbox.configuration, "--set", "launch.ranks=3"] + Self.arguments)
            let status = try await LiveRun(folder: folder).reach(stage, step: step)
            let victim = try #require(status.ranks.first { $0.rank == rank })
            #expect(kill(victim.pid, SIGKILL) == 0)
            let outcome = try await sandbox.finish(program)

            #expect(outcome.exitCode == 0, "\(outcome.errors)")
            #expect(outcome.weights == (try await Self.undisturbed.value))
            let generations = try LiveRun(folder: folder).journal().generations()
            #expect(generations.map(\.generation) == [1, 2])
            #expect(generations.last?.cause == "finished")
            #expect(sandbox.liveProcesses.isEmpty)
        }

        @Test("A coordinator that is killed is replaced, and its workers never stop")
        func killedCoordinator() async throws {
            let sandbox = try Sandbox()
            let live = LiveRun(folder: sandbox.runFolder)
            let program = try sandbox.start("dmd2", Self.command(in: sandbox))
            for step in [4, 11, 18] {
                let status = try await live.reach("teacher", step: step)
                #expect(kill(status.pid, SIGKILL) == 0)
                _ = try await eventually("another coordinator") {
                    try live.status().flatMap { $0.pid == status.pid ? nil : $0 }
                }
            }
            let outcome = try await sandbox.finish(program)

            #expect(outcome.exitCode == 0, "\(outcome.errors)")
            #expect(outcome.errors.contains("signal 9 ended the coordinator"), "\(outcome.errors)")
            #expect(outcome.weights == (try await Self.undisturbed.value))
            #expect(try live.journal().generations().map(\.generation) == [1])
            #expect(try live.journal().stepsOutOfSequence().isEmpty)
            #expect(sandbox.liveProcesses.isEmpty)
        }

        @Test("mpirun, the launch's keeper and the coordinator, stopped by a signal, are woken, and no worker stops")
        func stoppedPrograms() async throws {
            let sandbox = try Sandbox()
            let live = LiveRun(folder: sandbox.runFolder)
            let program = try sandbox.start("dmd2", Self.command(in: sandbox))
            let status = try await live.reach("teacher", step: 4)
            let mpirun = try #require(live.address()?.processGroup)
            let keeper = try #require(sandbox.liveProcesses.first { Self.commandLine($0).contains("--order") })
            for process in [mpirun, keeper, status.pid] { #expect(kill(process, SIGSTOP) == 0) }
            let outcome = try await sandbox.finish(program)

            #expect(outcome.exitCode == 0, "\(outcome.errors)")
            #expect(outcome.weights == (try await Self.undisturbed.value))
            let journal = try live.journal()
            #expect(try journal.generations().map(\.generation) == [1])
            let kinds = try journal.events().map(\.kind).filter { ["process_woken", "stood_still"].contains($0) }
            #expect(kinds.sorted() == ["process_woken", "process_woken", "stood_still"])
            #expect(sandbox.liveProcesses.isEmpty)
        }

        private static func commandLine(_ process: pid_t) -> [String] {
            let bytes = FileManager.default.contents(atPath: "/proc/\(process)/cmdline") ?? Data()
            return bytes.split(separator: 0).map { String(decoding: $0, as: UTF8.self) }
        }

        @Test("A coordinator that dies in the same place again and again is given up, with the status for that")
        func coordinatorGivenUp() async throws {
            let sandbox = try Sandbox()
            let outcome = try await sandbox.run(
                "dmd2", Self.command(in: sandbox),
                environment: ["DMD2_FAILPOINT": "die:manifest:5"])
            #expect(outcome.exitCode == Coordination.ExitStatus.gaveUp.rawValue, "\(outcome.errors)")
            #expect(outcome.complaints.last?.contains("gave up after 5 deaths of the coordinator") == true)
            // The ranks wait a minute for another coordinator; a test need not.
            let mpirun = try #require(LiveRun(folder: sandbox.runFolder).address()).processGroup
            #expect(kill(-mpirun, SIGTERM) == 0)
            _ = try await eventually("the end of the launch") { sandbox.liveProcesses.isEmpty ? true : nil }
        }

        @Test("A run whose programs are all killed but its workers goes on with them at its next start")
        func killedPrograms() async throws {
            let sandbox = try Sandbox()
            let live = LiveRun(folder: sandbox.runFolder)
            let command = Self.command(in: sandbox)

            let first = try sandbox.start("dmd2", command)
            let status = try await live.reach("teacher", step: 7)
            #expect(kill(first.processIdentifier, SIGKILL) == 0)
            #expect(kill(status.pid, SIGKILL) == 0)
            _ = try await sandbox.finish(first)
            let continued = try await sandbox.run("dmd2", command)

            #expect(continued.exitCode == 0, "\(continued.errors)")
            #expect(continued.weights == (try await Self.undisturbed.value))
            #expect(try live.journal().generations().map(\.generation) == [1])
            #expect(sandbox.liveProcesses.isEmpty)
        }

        @Test("A run that was killed while it stopped goes on at its next start, and does not stop again")
        func killedWhileStopping() async throws {
            let sandbox = try Sandbox()
            let live = LiveRun(folder: sandbox.runFolder)
            let command = Self.command(in: sandbox)
            let first = try sandbox.start("dmd2", command)
            let status = try await live.reach("teacher", step: 7)
            // A rank that stands still keeps the stop from ending by itself.
            #expect(kill(try #require(status.ranks.first).pid, SIGSTOP) == 0)
            kill(first.processIdentifier, SIGTERM)
            _ = try await eventually("the stop") {
                try live.journal().events().contains { $0.kind == "stop_asked" } ? true : nil
            }
            kill(first.processIdentifier, SIGTERM)
            let stopped = try await sandbox.finish(first)
            #expect(stopped.exitCode == Coordination.ExitStatus.stoppedResumable.rawValue, "\(stopped)")

            let continued = try await sandbox.run("dmd2", command)
            #expect(continued.exitCode == 0, "\(continued)")
            #expect(continued.weights == (try await Self.undisturbed.value))
            #expect(sandbox.liveProcesses.isEmpty)
            let told = try await sandbox.run("dmd2", ["explain", sandbox.runFolder])
            #expect(told.output.contains("nobody saw it"), "\(told)")
        }

        @Test("A run without hosts says that it waits, and can be asked and stopped")
        func noHosts() async throws {
            let sandbox = try Sandbox()
            try sandbox.write("localhost slots=0\n", to: "hosts")
            let program = try sandbox.start(
                "dmd2", ["run", sandbox.configuration, "--set", "launch.hostFile=hosts"])
            let status = try await eventually("a status") { try LiveRun(folder: sandbox.runFolder).status() }
            #expect(status.state == .waitingForHosts && status.generation == 0)
            let stop = try await sandbox.run("dmd2", ["stop", sandbox.runFolder])
            #expect(stop.exitCode == 0, "\(stop)")
            let outcome = try await sandbox.finish(program)
            #expect(outcome.exitCode == 0, "\(outcome)")
        }

        @Test("A run whose journal was moved away goes on from its checkpoints, in a launch with a number of its own")
        func journalMovedAway() async throws {
            let sandbox = try Sandbox()
            let command = Self.command(in: sandbox)
            let first = try await sandbox.run("dmd2", command + ["--until", "teacher"])
            #expect(first.exitCode == 0, "\(first)")
            for ending in ["", "-wal", "-shm"] {
                try? FileManager.default.removeItem(atPath: "\(sandbox.runFolder)/journal.sqlite\(ending)")
            }
            let second = try await sandbox.run("dmd2", command)
            #expect(second.exitCode == 0, "\(second)")
            #expect(second.weights == (try await Self.undisturbed.value))
            let launches = try LiveRun(folder: sandbox.runFolder).journal().generations()
            #expect(launches.map(\.generation) == [2] && launches.first?.cause == "finished", "\(launches)")
            #expect(sandbox.liveProcesses.isEmpty)
        }

        @Test("A stage whose checkpoints are gone begins again, and the terminal says so")
        func checkpointsRemoved() async throws {
            let sandbox = try Sandbox()
            let command = Self.command(in: sandbox)
            let first = try await sandbox.run("dmd2", command + ["--until", "teacher"])
            #expect(first.exitCode == 0, "\(first)")
            try FileManager.default.removeItem(atPath: "\(sandbox.runFolder)/checkpoints/teacher")
            let second = try await sandbox.run("dmd2", command + ["--until", "teacher"])
            #expect(second.exitCode == 0, "\(second)")
            let line = "teacher goes on from step 0: the checkpoint of step \(Self.steps) is gone, or cannot be used"
            #expect(second.errors.contains(line), "\(second)")
        }

        @Test("A discovery script that fails changes no hosts and is told; one that hangs ends with the run")
        func discoveryScript() async throws {
            let sandbox = try Sandbox()
            let answer = """
                #!/bin/sh
                case $(cat mood) in fail) exit 3 ;; hang) touch hanging; sleep 1000 ;; *) echo localhost:2 ;; esac
                """
            try sandbox.write(answer, to: "hosts.sh")
            try sandbox.write("answer", to: "mood")
            #expect(chmod(sandbox.path("hosts.sh"), 0o700) == 0)
            let live = LiveRun(folder: sandbox.runFolder)
            let program = try sandbox.start(
                "dmd2",
                ["run", sandbox.configuration, "--set", "teacher.steps=100000"]
                    + ["--set", "launch.discoveryScript=\(sandbox.path("hosts.sh"))"])
            _ = try await live.reach("teacher", step: 1)
            try sandbox.write("fail", to: "mood")
            let told = try await eventually("an event") {
                try live.journal().events().first { $0.kind == "hosts_unknown" }
            }
            #expect(told.particulars["reason"]?.contains("ended with code 3") == true, "\(told)")
            try sandbox.write("hang", to: "mood")
            _ = try await eventually("the script") {
                FileManager.default.fileExists(atPath: sandbox.path("hanging")) ? true : nil
            }
            #expect(try live.status()?.state == .running)
            kill(program.processIdentifier, SIGTERM)
            let outcome = try await sandbox.finish(program)
            #expect(outcome.exitCode == Coordination.ExitStatus.stoppedResumable.rawValue, "\(outcome)")
            _ = try await eventually("the script's end", seconds: 10) { sandbox.liveProcesses.isEmpty ? true : nil }
            #expect(try live.journal().generations().map(\.generation) == [1])
        }

        @Test("A run that is stopped and continued ends with the same weights, and saves when asked")
        func stopAndContinue() async throws {
            let sandbox = try Sandbox()
            let live = LiveRun(folder: sandbox.runFolder)
            let command = Self.command(in: sandbox)

            let first = try sandbox.start("dmd2", command)
            _ = try await live.reach("teacher", step: 1)
            let stop = try await sandbox.run("dmd2", ["stop", sandbox.runFolder])
            #expect(stop.exitCode == 0 && stop.output.contains("stopping after step"), "\(stop)")
            let stopped = try await sandbox.finish(first)
            #expect(stopped.exitCode == 0, "\(stopped.errors)")
            let lastPlan = try #require(try live.journal().plans().last)
            #expect(lastPlan.stopsAtEnd)
            let saved = try live.journal().checkpoints().last
            #expect(saved?.step == lastPlan.firstStep + lastPlan.kinds.count)
            #expect(sandbox.liveProcesses.isEmpty)

            let second = try sandbox.start("dmd2", command)
            _ = try await live.reach("distil", step: 1)
            let now = try await sandbox.run("dmd2", ["checkpoint", "now", sandbox.runFolder])
            #expect(now.exitCode == 0, "\(now.errors)")
            let step = try #require(now.output.matches(of: /saved at step (\d+);/).first.flatMap { Int($0.output.1) })
            let continued = try await sandbox.finish(second)

            #expect(continued.exitCode == 0, "\(continued.errors)")
            #expect(continued.weights == (try await Self.undisturbed.value))
            #expect(try live.journal().checkpoints().contains { $0.stage == "distil" && $0.step == step })

            let listing = try await sandbox.run("dmd2", ["checkpoint", "ls", sandbox.runFolder])
            let listed = listing.output.matches(of: /(\w+) step (\d+): published/)
                .map { (stage: String($0.output.1), step: Int($0.output.2) ?? 0) }
            for stage in ["teacher", "distil"] {
                let steps = listed.filter { $0.stage == stage }.map(\.step)
                #expect(steps.count > 1 && steps == steps.sorted() && steps.last == Self.steps, "\(listing.output)")
            }
            #expect(listed.first?.stage == "teacher" && listed.last?.stage == "distil", "\(listing.output)")
        }

        @Test("A flipped byte in the newest checkpoint is announced, and training goes on from the one before")
        func flippedByte() async throws {
            let sandbox = try Sandbox()
            let command = Self.command(in: sandbox)
            let first = try await sandbox.run("dmd2", command)
            #expect(first.exitCode == 0, "\(first.errors)")

            let shard = sandbox.runFolder + "/checkpoints/distil/step-00000030/shard-00001-of-00002.safetensors"
            var bytes = try Data(contentsOf: URL(filePath: shard))
            bytes[bytes.count - 5] ^= 1
            try bytes.write(to: URL(filePath: shard))
            let second = try await sandbox.run("dmd2", command)

            #expect(second.exitCode == 0, "\(second.errors)")
            #expect(second.weights == (try await Self.undisturbed.value))
            let announcements = second.errors.split(separator: "\n").filter { $0.contains("is not used") }
            #expect(announcements.count == 1, "\(second.errors)")
            #expect(announcements.first?.contains("does not have the hash") == true)
            let journal = try LiveRun(folder: sandbox.runFolder).journal()
            #expect(try journal.plans().filter { $0.generation == 2 }.map(\.firstStep).min() == 25)
        }
    }
}
