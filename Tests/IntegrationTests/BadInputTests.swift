import Coordination
import Foundation
import Glibc
import Journal
import Testing

extension ProgramTests {
    /// What cannot work is refused in one line, with a documented exit code, before anything is written.
    struct BadInputTests {
        /// Every program that takes a configuration, with the arguments before its own.
        enum Entry: CaseIterable {
            case dmd2, coordinator, worker

            func run(
                _ sandbox: Sandbox, configuration: String? = nil, _ settings: [String], more: [String] = []
            ) async throws -> Outcome {
                let path = configuration ?? sandbox.configuration
                let overrides = settings.flatMap { ["--set", $0] } + more
                return switch self {
                case .dmd2: try await sandbox.run("dmd2", ["run", path] + overrides)
                case .coordinator: try await sandbox.run("dmd2-coordinator", ["--config", path] + overrides)
                case .worker: try await sandbox.run("dmd2-worker", ["--config", path] + overrides)
                }
            }
        }

        /// Expects one line with these words, this exit code and no run folder.
        private func expectRefusal(
            _ outcome: Outcome, _ status: Coordination.ExitStatus, _ words: String..., lines: Int = 1,
            in sandbox: Sandbox,
            sourceLocation: SourceLocation = #_sourceLocation
        ) {
            let errors = outcome.errors.split(separator: "\n")
            #expect(outcome.exitCode == status.rawValue, "\(outcome)", sourceLocation: sourceLocation)
            #expect(errors.count == lines, "\(outcome.errors)", sourceLocation: sourceLocation)
            #expect(errors.allSatisfy { $0.hasPrefix("dmd2") }, "\(outcome.errors)", sourceLocation: sourceLocation)
            for word in words {
                #expect(outcome.errors.contains(word), "\(outcome.errors)", sourceLocation: sourceLocation)
            }
            #expect(outcome.output.isEmpty, "\(outcome.output)", sourceLocation: sourceLocation)
            #expect(
                !FileManager.default.fileExists(atPath: sandbox.runFolder), "half a run", sourceLocation: sourceLocation
            )
        }

        @Test("A configuration that is missing or a folder", arguments: Entry.allCases)
        func unreadableConfiguration(entry: Entry) async throws {
            let sandbox = try Sandbox()
            let missing = try await entry.run(sandbox, configuration: "no.yaml", [])
            expectRefusal(missing, .inputMissing, "no.yaml: no such file", in: sandbox)
            let folder = try await entry.run(sandbox, configuration: sandbox.folder, [])
            expectRefusal(folder, .inputMissing, "is a folder", in: sandbox)
        }

        @Test("Several faults, all in one go", arguments: Entry.allCases)
        func faults(entry: Entry) async throws {
            let sandbox = try Sandbox()
            let outcome = try await entry.run(
                sandbox,
                ["distil.ration=5", "teacher.steps=many", "distil.ratio=0", "teacher.batch=30", "launch.ranks=8"])
            expectRefusal(
                outcome, .badConfiguration, "did you mean distil.ratio?", "\"many\" is not a whole number",
                "0 is less than 1", "30 is not divisible by teacher.shards (4)",
                "8 ranks are more than distil.shards (4)",
                lines: 7, in: sandbox)
        }

        @Test("More ranks than shards under mpirun")
        func tooManyRanks() async throws {
            let sandbox = try Sandbox()
            let outcome = try await sandbox.runWorkers(ranks: 5, [])
            #expect(outcome.exitCode == Coordination.ExitStatus.badConfiguration.rawValue)
            #expect(outcome.complaints.count == 3, "\(outcome.errors)")
            #expect(outcome.complaints.allSatisfy { $0.contains("5 ranks are more than") })
            #expect(!FileManager.default.fileExists(atPath: sandbox.runFolder))
        }

        @Test("A folder for saves in between that cannot be made", arguments: [Entry.dmd2, .coordinator])
        func nodeFolder(entry: Entry) async throws {
            let sandbox = try Sandbox()
            let outcome = try await entry.run(
                sandbox, ["checkpoints.nodeFolder=/dev/null/saves", "checkpoints.nodeEverySteps=1"])
            expectRefusal(
                outcome, .runFolderUnusable, "/dev/null/saves cannot be used as checkpoints.nodeFolder",
                "/dev/null is not a folder", in: sandbox)
            // Root may write everywhere, as far as the permissions tell.
            let refused = try await entry.run(
                sandbox, ["checkpoints.nodeFolder=/proc/saves", "checkpoints.nodeEverySteps=1"])
            expectRefusal(
                refused, .runFolderUnusable, "/proc/saves cannot be used as checkpoints.nodeFolder", in: sandbox)
        }

        @Test("A run folder below a file, in the system's words", arguments: Entry.allCases)
        func runFolderBelowFile(entry: Entry) async throws {
            let sandbox = try Sandbox()
            let outcome = try await entry.run(sandbox, ["run.folder=tiny.yaml/run"])
            expectRefusal(outcome, .runFolderUnusable, "cannot create tiny.yaml/run: Not a directory", in: sandbox)
        }

        @Test("A last stage that the run does not have", arguments: Entry.allCases)
        func otherLastStage(entry: Entry) async throws {
            let sandbox = try Sandbox()
            let outcome = try await entry.run(sandbox, [], more: ["--until", "pairs"])
            expectRefusal(
                outcome, .badConfiguration, "--until: this run has no stage pairs; it has teacher, classifier, distil",
                in: sandbox)
        }

        @Test("Lists of hosts that cannot be had", arguments: [Entry.dmd2, .coordinator])
        func hosts(entry: Entry) async throws {
            let sandbox = try Sandbox()
            let missing = try await entry.run(sandbox, ["launch.hostFile=no.hosts"])
            expectRefusal(
                missing, .inputMissing, "launch.hostFile: cannot read no.hosts: No such file or directory", in: sandbox)
            try sandbox.write("a slots=x", to: "bad.hosts")
            let malformed = try await entry.run(sandbox, ["launch.hostFile=bad.hosts"])
            expectRefusal(malformed, .badConfiguration, "bad.hosts: line 1, 'a slots=x'", in: sandbox)
            let script = try await entry.run(sandbox, ["launch.discoveryScript=\(sandbox.path("bad.hosts"))"])
            expectRefusal(script, .inputMissing, "bad.hosts cannot be started: Permission denied", in: sandbox)
        }

        @Test("A data file that is truncated, missing or of other images", arguments: Entry.allCases)
        func data(entry: Entry) async throws {
            let sandbox = try Sandbox()
            let digits = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
                .deletingLastPathComponent().appending(path: "Sources/Datasets/Resources/digits.csv.gz")
            let half = try Data(contentsOf: digits).prefix(30_000)
            try half.write(to: URL(filePath: sandbox.path("half.csv.gz")))

            let truncated = try await entry.run(sandbox, ["data.source=\(sandbox.path("half.csv.gz"))"])
            expectRefusal(truncated, .badData, "half.csv.gz is truncated after row", in: sandbox)
            let missing = try await entry.run(sandbox, ["data.source=\(sandbox.path("no.csv.gz"))"])
            expectRefusal(missing, .inputMissing, "no.csv.gz", in: sandbox)
            let other = try await entry.run(sandbox, ["data.source=\(digits.path)", "data.classes=12"])
            expectRefusal(other, .badConfiguration, "10 classes", "12 classes", in: sandbox)
        }

        @Test("A data file with too few images to compare with")
        func fewImages() async throws {
            let sandbox = try Sandbox()
            try sandbox.write((Array(repeating: "0", count: 65).joined(separator: ",") + "\n"), to: "one.csv")
            #expect(try await sandbox.run("gzip", ["one.csv"]).exitCode == 0)
            let outcome = try await Entry.dmd2.run(sandbox, ["data.source=\(sandbox.path("one.csv.gz"))"])
            expectRefusal(outcome, .badConfiguration, "1 images are too few", in: sandbox)
        }

        @Test("Samples in a format there is not, of labels that are none, and of a run that is none")
        func samples() async throws {
            let sandbox = try Sandbox()
            func sample(_ arguments: String...) async throws -> Outcome {
                try await sandbox.run("dmd2", ["sample", sandbox.runFolder] + arguments)
            }
            expectRefusal(try await sample("--output", "a.gif"), .usage, "neither .png nor .safetensors", in: sandbox)
            expectRefusal(try await sample("--output", "a.png", "--labels", "3;5"), .usage, "--labels", in: sandbox)
            expectRefusal(try await sample("--output", "a.png"), .inputMissing, sandbox.runFolder, in: sandbox)
        }

        @Test("mpirun that is not installed")
        func noMPI() async throws {
            let sandbox = try Sandbox()
            let outcome = try await Entry.dmd2.run(sandbox, ["launch.mpirun=/nonexistent"])
            expectRefusal(outcome, .unavailable, "/nonexistent not found: install it", in: sandbox)
        }

        @Test("A machine without the memory that a launch is predicted to need", arguments: Entry.allCases)
        func memory(entry: Entry) async throws {
            let sandbox = try Sandbox()
            let outcome = try await entry.run(sandbox, ["launch.memoryGiB=0.02"])
            expectRefusal(outcome, .unavailable, "the machine has 20 MiB: use fewer ranks", in: sandbox)
        }

        @Test("A port that another program listens on")
        func portInUse() async throws {
            let sandbox = try Sandbox()
            let listener = try Listener()
            let outcome = try await Entry.dmd2.run(sandbox, ["coordinator.endpoint=tcp://127.0.0.1:\(listener.port)"])
            expectRefusal(outcome, .unavailable, "tcp://127.0.0.1:\(listener.port) is in use", in: sandbox)
        }

        @Test("A run folder with other settings stays as it is", arguments: Entry.allCases)
        func otherSettings(entry: Entry) async throws {
            let sandbox = try Sandbox()
            let probe = ["--stop-after", "1", "--set", "run.folder=\(sandbox.runFolder)"]
            #expect(try await sandbox.runWorkers(ranks: 1, probe).exitCode == 0)
            let before = try sandbox.contents()

            let outcome = try await entry.run(sandbox, ["run.stopAfter=1", "run.seed=7"])
            #expect(outcome.exitCode == Coordination.ExitStatus.runFolderUnusable.rawValue)
            #expect(outcome.complaints.count == 1 && outcome.errors.contains("run.seed: 7 here, 1 there"), "\(outcome)")
            #expect(try sandbox.contents() == before)
        }

        @Test("What stops a worker for good is told in one line, with its exit code and without a restart")
        func failingWorker() async throws {
            let sandbox = try Sandbox()
            let other = sandbox.path("other")
            let settings = ["--stop-after", "1", "--set", "network.channels=32", "--set", "run.folder=\(other)"]
            #expect(try await sandbox.runWorkers(ranks: 1, settings).exitCode == 0)
            try FileManager.default.createDirectory(atPath: sandbox.runFolder, withIntermediateDirectories: true)
            try FileManager.default.moveItem(
                atPath: other + "/checkpoints", toPath: sandbox.runFolder + "/checkpoints")

            let outcome = try await sandbox.run("dmd2-coordinator", ["--config", sandbox.configuration])
            #expect(outcome.exitCode == Coordination.ExitStatus.badData.rawValue)
            // The first line says what is launched.
            #expect(outcome.complaints.count == 2 && outcome.errors.contains("does not fit"), "\(outcome.errors)")
            #expect(try LiveRun(folder: sandbox.runFolder).journal().generations().count == 1)
            #expect(sandbox.liveProcesses.isEmpty)
        }

        @Test("Pairs that another teacher made are refused in one line, without a restart")
        func otherTeachersPairs() async throws {
            let sandbox = try Sandbox()
            let other = sandbox.path("other")
            let settings = ["--set", "distil.regressionWeight=1", "--set", "distil.pairs=60"]
            let made = try await sandbox.runWorkers(
                ranks: 2,
                settings + ["--until", "pairs", "--set", "teacher.steps=1", "--set", "run.folder=\(other)"])
            #expect(made.exitCode == 0, "\(made)")
            try FileManager.default.createDirectory(atPath: sandbox.runFolder, withIntermediateDirectories: true)
            try FileManager.default.moveItem(atPath: other + "/pairs", toPath: sandbox.runFolder + "/pairs")

            let outcome = try await sandbox.run("dmd2", ["pairs", sandbox.configuration] + settings)
            #expect(outcome.exitCode == Coordination.ExitStatus.runFolderUnusable.rawValue)
            // Lines before it say what is launched and how far it has come.
            let refusals = outcome.complaints.filter { $0.contains("was made by another teacher") }
            #expect(refusals.count == 1 && outcome.complaints.last == refusals.first, "\(outcome.errors)")
            #expect(try LiveRun(folder: sandbox.runFolder).journal().generations().count == 1)
            #expect(sandbox.liveProcesses.isEmpty)
        }

        @Test("Pairs for a run that has no regression loss")
        func pairsWithoutLoss() async throws {
            let sandbox = try Sandbox()
            let outcome = try await sandbox.run("dmd2", ["pairs", sandbox.configuration])
            expectRefusal(outcome, .badConfiguration, "distil.regressionWeight is 0", in: sandbox)
        }

        @Test("A run folder that a live run owns")
        func liveOwner() async throws {
            let sandbox = try Sandbox()
            let owner = try sandbox.start("dmd2", ["run", sandbox.configuration])
            _ = try await LiveRun(folder: sandbox.runFolder).reach("teacher", step: 0)
            for entry in Entry.allCases {
                let outcome = try await entry.run(sandbox, [])
                #expect(outcome.exitCode == Coordination.ExitStatus.runFolderUnusable.rawValue)
                #expect(outcome.complaints.count == 1 && outcome.errors.contains("run folder in use"), "\(outcome)")
                #expect(!outcome.errors.contains("teacher"), "the other run's progress: \(outcome.errors)")
            }
            kill(owner.processIdentifier, SIGTERM)
            // A signal may be a batch system's, so the run is worth starting again.
            #expect(try await sandbox.finish(owner).exitCode == Coordination.ExitStatus.stoppedResumable.rawValue)
            #expect(sandbox.liveProcesses.isEmpty)
        }

        @Test(
            "Command lines that make no sense",
            arguments: [
                ("dmd2", ["run"]), ("dmd2", ["fly"]), ("dmd2", ["run", "tiny.yaml", "--stop-after", "0"]),
                ("dmd2", ["run", "tiny.yaml", "--until", "lunch"]), ("dmd2", ["set", "ratio=0"]),
                ("dmd2", ["bench", "step", "--cycles", "0"]),
                ("dmd2", ["bench", "reduce", "--ranks", "0"]), ("dmd2", ["bench", "sample", "--batch", "0"]),
                ("dmd2", ["bench", "step", "--ranks", "0"]), ("dmd2", ["plan", "tiny.yaml", "--ranks", "1,x"]),
                ("dmd2-coordinator", ["--speed"]), ("dmd2-worker", ["--config"]),
                ("dmd2-worker", ["--config", "tiny.yaml", "--stop-after", "0"]),
            ])
        func usage(program: String, arguments: [String]) async throws {
            let sandbox = try Sandbox()
            let outcome = try await sandbox.run(program, arguments)
            expectRefusal(outcome, .usage, in: sandbox)
            if let command = arguments.first, ["run", "set", "plan"].contains(command) {
                #expect(outcome.errors.contains("see dmd2 \(command) --help"), "\(outcome.errors)")
            }
        }

        @Test(
            "Inputs of a command that are not there",
            arguments: [
                (["status"], .unavailable, "no run under runs/"), (["explain"], .unavailable, "no run under runs/"),
                (["checkpoint", "diff", "a", "b"], .inputMissing, "a: neither a safetensors file nor"),
                (["checkpoint", "diff", "step-00000007", "b"], .inputMissing, "has no checkpoint of step 7"),
                (["checkpoint", "ls", "."], .inputMissing, "holds no checkpoint"),
            ] as [([String], Coordination.ExitStatus, String)])
        func missingInputs(arguments: [String], status: Coordination.ExitStatus, words: String) async throws {
            let sandbox = try Sandbox()
            expectRefusal(try await sandbox.run("dmd2", arguments), status, words, in: sandbox)
        }

        @Test("A command for a run that is not live")
        func noCoordinator() async throws {
            let sandbox = try Sandbox()
            for command in [["status"], ["stop"], ["set", "ratio=5"], ["checkpoint", "now"]] {
                let outcome = try await sandbox.run("dmd2", command + [sandbox.folder])
                expectRefusal(outcome, .unavailable, "holds no run; dmd2 run CONFIG starts", in: sandbox)
            }
        }
    }
}

/// A socket that listens on a free port of this machine.
private struct Listener: ~Copyable {
    private let descriptor: Int32
    let port: UInt16

    init() throws {
        let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_addr.s_addr = in_addr_t(INADDR_LOOPBACK).bigEndian
        var length = socklen_t(MemoryLayout<sockaddr_in>.size)
        let bound = withUnsafeMutablePointer(to: &address) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) { address in
                bind(descriptor, address, length) == 0 && listen(descriptor, 1) == 0
                    && getsockname(descriptor, address, &length) == 0
            }
        }
        guard bound else { throw Overdue(description: "a free port to listen on") }
        self.descriptor = descriptor
        port = UInt16(bigEndian: address.sin_port)
    }

    deinit { close(descriptor) }
}
