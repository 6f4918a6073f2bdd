import Checkpoints
import Communication
import Coordination
import Distillation
import Evaluation
import Foundation
import Journal
import Logging
import Testing
import Training

struct WorkerTests {
    /// Runs a worker to its end and returns the lines it announces.
    private static func run(
        _ configuration: RunConfiguration, _ communicator: any Communicator, _ control: any ControlLink
    ) throws -> (ending: Worker.Ending, lines: [String]) {
        var lines: [String] = []
        let worker = Worker(
            configuration, communicator: communicator, control: control, printsWeightsHash: true,
            endSaveRetry: SaveRetry(seconds: 0.01, attempts: 3),
            logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }
        ) { lines.append($0) }
        return (try worker.run(), lines)
    }

    /// A run without evaluation.
    private static func training(in run: TemporaryRun) -> RunConfiguration {
        var configuration = TinyRun(folder: run.folder).configuration
        // Longer than any stage: all it changes is that no evaluation follows.
        configuration.run.stopAfter = 100
        return configuration
    }

    /// A whole run in a folder, scheduled by its rank 0, on that many threads as ranks: what rank 0 announces.
    private static func wholeRun(
        in folder: String, ranks: Int, _ change: (inout RunConfiguration) -> Void = { _ in }
    ) throws -> [String] {
        try run(TinyRun(folder: folder, change).configuration, ranks: ranks)
    }

    /// A run scheduled by its rank 0, on that many threads as ranks: what rank 0 announces.
    private static func run(_ configuration: RunConfiguration, ranks: Int) throws -> [String] {
        let lines = try InProcessCommunicator.run(rankCount: ranks) { communicator in
            let control: any ControlLink =
                communicator.rank == 0
                ? try InProcessControl(
                    owning: OwnedRunFolder(configuration: configuration, fresh: false), rankCount: ranks)
                : SilentControl(generation: 1)
            return try run(configuration, communicator, control).lines
        }
        return lines[0]
    }

    @Test("One, two and three ranks end with the same weights and the same evaluation")
    func ranks() throws {
        let runs = (0..<3).map { _ in TemporaryRun() }
        let lines = try runs.enumerated().map { try Self.wholeRun(in: $1.folder, ranks: $0 + 1) }
        #expect(lines[0].map { $0.split(separator: ":")[0] } == ["weights teacher sha256", "weights distil sha256"])
        #expect(lines[1] == lines[0])
        #expect(lines[2] == lines[0])

        let evaluations = try runs.map { try Data(contentsOf: URL(filePath: $0.folder + "/evaluation.json")) }
        #expect(evaluations[1] == evaluations[0])
        #expect(evaluations[2] == evaluations[0])
        let result = try JSONDecoder().decode(EvaluationResult.self, from: evaluations[0])
        #expect(result.teacher.images == 70 && result.teacher.networkCalls == 3)
        #expect(result.student.images == 70 && result.student.networkCalls == 1)
    }

    @Test(
        "With several calls, regression, heads and accumulation too, one, two and four ranks end with the same weights")
    func ranksWithAllOptions() throws {
        let runs = (0..<3).map { _ in TemporaryRun() }
        let lines = try zip(runs, [1, 2, 4]).map {
            try Self.wholeRun(in: $0.folder, ranks: $1, TinyRun.allOptions)
        }
        #expect(lines[0].count == 2)
        #expect(lines[1] == lines[0])
        #expect(lines[2] == lines[0])
        func file(_ name: String) throws -> [Data] {
            try runs.map { try Data(contentsOf: URL(filePath: "\($0.folder)/\(name)")) }
        }
        for name in ["evaluation.json", "pairs/batch-00000.safetensors", "pairs/batch-00001.safetensors"] {
            let contents = try file(name)
            #expect(contents[1] == contents[0] && contents[2] == contents[0], "\(name)")
        }
        let result = try JSONDecoder().decode(EvaluationResult.self, from: file("evaluation.json")[0])
        #expect(result.student.networkCalls == 3)
        let journal = try Journal.reading(path: runs[0].layout.journal)
        #expect(try journal.metric("loss.regression", stage: "distil").map(\.step) == [0, 2, 4])
    }

    @Test("Pairs that a killed run left are kept, missing and damaged ones made again, to the same weights")
    func pairsResume() throws {
        let temporary = TemporaryRun()
        var configuration = TinyRun(folder: temporary.folder, TinyRun.allOptions).configuration
        configuration.run.stopAfter = 100
        let reference = try Self.run(
            configuration, SelfCommunicator(), ScriptedControl(runFolder: temporary.folder))
        let files = (0..<2).map { "\(temporary.folder)/pairs/batch-0000\($0).safetensors" }
        let bytes = try files.map { try Data(contentsOf: URL(filePath: $0)) }

        try FileManager.default.removeItem(atPath: temporary.folder + "/checkpoints/distil")
        try FileManager.default.removeItem(atPath: files[0])
        var damaged = bytes[1]
        damaged[damaged.count - 3] ^= 1
        try damaged.write(to: URL(filePath: files[1]))
        let control = ScriptedControl(runFolder: temporary.folder, generation: 2)
        let continued = try Self.run(configuration, SelfCommunicator(), control)

        #expect(continued.lines == reference.lines)
        #expect(try files.map { try Data(contentsOf: URL(filePath: $0)) } == bytes)
        #expect(control.notices.count == 1)
        #expect(control.notices.first?.hasSuffix("making it again") == true, "\(control.notices)")
        #expect(control.begun.map(\.name) == ["pairs", "distil"])
    }

    @Test("A checkpoint holds every average, and a run that is complete can be judged by any of the student's weights")
    func averages() throws {
        let temporary = TemporaryRun()
        func evaluation(_ student: EvaluationConfiguration.StudentWeights) throws -> (weights: String, result: Data) {
            let lines = try Self.wholeRun(in: temporary.folder, ranks: 1) {
                $0.distil.emaFurtherDecays = [0.5, 0.9]
                $0.evaluate.student = student
            }
            return (lines[1], try Data(contentsOf: URL(filePath: temporary.layout.evaluation)))
        }
        let sets: [EvaluationConfiguration.StudentWeights] = [
            .average, .raw, .furtherAverage(decay: 0.5), .furtherAverage(decay: 0.9),
        ]
        let all = try sets.map(evaluation)
        #expect(Set(all.map(\.weights)).count == 1)
        #expect(Set(all.map(\.result)).count == 4)
        let manifest = try String(
            contentsOfFile: temporary.folder + "/checkpoints/distil/step-00000004/manifest.json", encoding: .utf8)
        for name in ["", "average.", "average-0.5.", "average-0.9."] {
            #expect(manifest.contains("\"student.\(name)model.out_conv.bias\""), "\(name)")
        }
    }

    @Test("A run can end after its pairs, and goes on from them")
    func upToPairs() throws {
        let temporary = TemporaryRun()
        var configuration = TinyRun(folder: temporary.folder, TinyRun.allOptions).configuration
        configuration.run.stopAfter = 100
        let first = ScriptedControl(runFolder: temporary.folder)
        let worker = Worker(
            configuration, communicator: SelfCommunicator(), control: first, printsWeightsHash: false, upTo: .pairs,
            logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }
        ) { _ in }
        #expect(try worker.run() == .finished && first.isFinished)
        #expect(first.finishedStages == ["teacher", "classifier", "pairs"])
        let second = ScriptedControl(runFolder: temporary.folder, generation: 2)
        _ = try Self.run(configuration, SelfCommunicator(), second)
        #expect(second.finishedStages == ["distil"])
    }

    @Test("With an automatic ratio one, two and four ranks take the same decisions and end with the same weights")
    func automaticRatio() throws {
        let runs = try [1, 2, 4].map { ranks in
            let temporary = TemporaryRun()
            var configuration = Self.training(in: temporary)
            configuration.run.stopAfter = 120
            configuration.distil.ratio = .automatic
            configuration.distil.criticWarmupUpdates = 3
            configuration.distil.studentUpdates = 60
            configuration.distil.checkpointEverySteps = 100
            let lines = try Self.run(configuration, ranks: ranks)
            let journal = try Journal.reading(path: temporary.layout.journal)
            let decisions = try journal.events().filter { $0.kind == "ratio_decided" }.map(\.detail)
            return (lines, try journal.ratios(), decisions)
        }
        #expect(runs[0].1.first?.anchorStep == 3)
        #expect(runs[0].1.dropFirst().first?.firstStep == 51)
        #expect(runs[0].2.first?.contains("critic_lag") == true)
        for run in runs.dropFirst() { #expect(run == runs[0]) }
    }

    @Test("Weights that blow up end the run as collapsed, back at the last sound checkpoint")
    func collapse() throws {
        let temporary = TemporaryRun()
        var configuration = Self.training(in: temporary)
        configuration.distil.studentUpdates = 40
        configuration.distil.ratio = 1
        configuration.distil.warmupUpdates = 0
        // The first update is sound, and so is the state before it.
        (configuration.distil.studentLearningRate, configuration.distil.criticLearningRate) = (1e25, 1e25)
        configuration.distil.checkpointEverySteps = 1
        let error = #expect(throws: ControlError.self) { try Self.run(configuration, ranks: 1) }
        #expect(error?.exitStatus == .collapsed)
        #expect(error?.description.hasPrefix("distil collapsed at step") == true, "\(String(describing: error))")

        let journal = try Journal.reading(path: temporary.layout.journal)
        let events = try journal.events()
        let collapsed = try #require(events.last { $0.kind == "collapsed" })
        let sound = try #require(collapsed.particulars["last_sound_step"].flatMap { Int($0) })
        #expect(events.last { $0.kind == "rolled_back" }?.particulars["to_step"] == "\(max(0, sound))")
        let kept = try temporary.layout.checkpoints(of: "distil").publishedSteps()
        #expect(kept.allSatisfy { $0 <= sound }, "\(kept)")
    }

    @Test("A run goes through its stages in order and leaves journal, samples and report")
    func endToEnd() throws {
        let temporary = TemporaryRun()
        _ = try Self.wholeRun(in: temporary.folder, ranks: 1)
        let journal = try Journal.reading(path: temporary.layout.journal)
        #expect(try journal.completedSteps(stage: "teacher") == 5)
        #expect(try journal.completedSteps(stage: "classifier") == 2)
        #expect(try journal.completedSteps(stage: "distil") == 4)
        #expect(try journal.studentSteps(stage: "distil") == [0, 2])
        #expect(try journal.metric("loss.matching", stage: "distil").map(\.step) == [0, 2])
        #expect(try journal.generations().map(\.cause) == ["finished"])
        for name in ["report.html", "samples/teacher.png", "samples/student.png", "samples/step-00000004.png"] {
            #expect(FileManager.default.fileExists(atPath: "\(temporary.folder)/\(name)"), "\(name)")
        }
    }

    @Test("What is stopped, saved and loaded goes on to the same bits", arguments: ["teacher", "distil"])
    func roundTrip(stage: String) throws {
        let (whole, parted) = (TemporaryRun(), TemporaryRun())
        let inOneGo = ScriptedControl(runFolder: whole.folder)
        let reference = try Self.run(Self.training(in: whole), SelfCommunicator(), inOneGo)
        #expect(reference.ending == .finished && inOneGo.isFinished)

        let configuration = Self.training(in: parted)
        let first = ScriptedControl(runFolder: parted.folder, stop: (stage, 1))
        let stopped = try Self.run(configuration, SelfCommunicator(), first)
        #expect(stopped.ending == .stopped && !first.isFinished)
        let second = ScriptedControl(runFolder: parted.folder, generation: 2)
        let continued = try Self.run(configuration, SelfCommunicator(), second)

        #expect(continued.ending == .finished)
        #expect(continued.lines == reference.lines)
        #expect(second.begun.first?.name == stage)
        #expect((second.begun.first?.startStep ?? 0) > 0)
        #expect(second.finishedStages.last == "distil")
    }

    @Test("A damaged checkpoint is told in one notice, and the one before it gives the same bits")
    func damagedCheckpoint() throws {
        let temporary = TemporaryRun()
        let configuration = Self.training(in: temporary)
        let reference = try Self.run(
            configuration, SelfCommunicator(), ScriptedControl(runFolder: temporary.folder))
        let newest = temporary.folder + "/checkpoints/teacher/step-00000005"
        try FileManager.default.removeItem(atPath: newest + "/COMMITTED")

        let control = ScriptedControl(runFolder: temporary.folder, generation: 2)
        let continued = try Self.run(configuration, SelfCommunicator(), control)
        #expect(control.notices == ["checkpoint \(newest).bad-commit is not used: COMMITTED is missing"])
        #expect(control.begun.map(\.startStep) == [4])
        #expect(continued.lines == reference.lines)
    }

    /// Puts a file where the folder of a stage's checkpoints should be, when the stage begins. Returns its path.
    private static func obstruct(_ stage: String, of run: TemporaryRun, _ control: ScriptedControl) -> String {
        let folder = run.folder + "/checkpoints"
        control.onBegin = { begun in
            guard begun == stage else { return }
            try? FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
            _ = FileManager.default.createFile(atPath: folder + "/" + stage, contents: nil)
        }
        return folder + "/" + stage
    }

    @Test("What cannot be saved is given up and told; the end of a stage is saved as soon as that is possible again")
    func obstacle() throws {
        let (whole, obstructed) = (TemporaryRun(), TemporaryRun())
        let reference = try Self.run(
            Self.training(in: whole), SelfCommunicator(), ScriptedControl(runFolder: whole.folder))

        let control = ScriptedControl(runFolder: obstructed.folder)
        let obstacle = Self.obstruct("teacher", of: obstructed, control)
        control.onDrop = { _, step in
            if step == 5 { try? FileManager.default.removeItem(atPath: obstacle) }
        }
        let outcome = try Self.run(Self.training(in: obstructed), SelfCommunicator(), control)

        #expect(control.dropped.map(\.step) == [2, 4, 5])
        #expect(control.dropped.allSatisfy { $0.stage == "teacher" && !$0.reason.contains("\n") })
        #expect(outcome.lines == reference.lines)
        let store = obstructed.layout.checkpoints(of: "teacher")
        #expect(try store.newestVerified(settingAside: false).found?.manifest.step == 5)
    }

    @Test("A stage whose end cannot be saved at all ends the run with the reason")
    func lastSaveFails() throws {
        let temporary = TemporaryRun()
        let control = ScriptedControl(runFolder: temporary.folder)
        _ = Self.obstruct("teacher", of: temporary, control)
        #expect {
            try Self.run(Self.training(in: temporary), SelfCommunicator(), control)
        } throws: { error in
            if case ControlError.checkpointFailed(stage: "teacher", step: 5, _) = error { true } else { false }
        }
    }

    @Test("A student does not go on under another teacher than it was begun with")
    func otherTeacher() throws {
        let temporary = TemporaryRun()
        let configuration = Self.training(in: temporary)
        let first = ScriptedControl(runFolder: temporary.folder, stop: ("distil", 1))
        _ = try Self.run(configuration, SelfCommunicator(), first)
        // The teacher is trained again, from another seed.
        try FileManager.default.removeItem(atPath: temporary.folder + "/checkpoints/teacher")
        var other = configuration
        other.run.seed += 1
        #expect {
            try Self.run(other, SelfCommunicator(), ScriptedControl(runFolder: temporary.folder, generation: 2))
        } throws: { "\($0)".contains("its teacher.sha256 is") }
    }

    @Test("A worker reports every step, with the metrics of the networks it updated")
    func reports() throws {
        let temporary = TemporaryRun()
        var configuration = TinyRun(folder: temporary.folder).configuration
        configuration.run.stopAfter = 3
        let control = ScriptedControl(runFolder: temporary.folder)
        _ = try Self.run(configuration, SelfCommunicator(), control)

        let training = control.reports.filter { $0.phase == .training }
        #expect(training.map(\.step) == [1, 2, 3, 1, 2, 3])
        #expect(training.allSatisfy { $0.images == 8 })
        let names = training.map { Set($0.metrics.map(\.name)) }
        #expect(names[0] == ["loss", "gradient_norm.teacher", "learning_rate.teacher"])
        #expect(names[3].isSuperset(of: ["loss.matching", "loss.gan", "loss.denoising", "loss.head"]))
        #expect(!names[4].contains("loss.matching"))
    }
}
