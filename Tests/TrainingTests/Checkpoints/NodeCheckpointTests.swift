import Checkpoints
import Communication
import Coordination
import Foundation
import Logging
import Testing
import Training

/// Checkpoints on the machines' own disks: what a run goes on from when a machine, a file or both copies of one are lost.
struct NodeCheckpointTests {
    /// A teacher's training of 16 steps, saved at every fourth on the machines and never in the run folder.
    private static func configuration(_ run: TemporaryRun) -> RunConfiguration {
        TinyRun(folder: run.folder) {
            $0.teacher.steps = 16
            $0.teacher.checkpointEverySteps = 0
            $0.checkpoints.nodeFolder = run.folder + "-nodes/{host}"
            $0.checkpoints.nodeEverySteps = 4
        }.configuration
    }

    private struct Outcome: Sendable {
        var lines: [String] = []
        var startStep: Int?
        var notices: [String] = []
    }

    /// Trains the teacher on one rank per element of `nodes`, until rank 0 fails at the window from step `failingAt`.
    private static func train(
        _ run: TemporaryRun, nodes: [String], generation: Int, failingAt: Int? = nil
    ) throws -> Outcome {
        let configuration = configuration(run)
        return try InProcessCommunicator.run(rankCount: nodes.count) { communicator in
            var outcome = Outcome()
            let scripted = ScriptedControl(runFolder: run.folder, generation: generation)
            scripted.onWindow = { _, step throws(ControlError) in
                if step == failingAt { throw .journal("failed on purpose") }
            }
            let control: any ControlLink =
                communicator.rank == 0 ? scripted : SilentControl(generation: generation)
            let worker = Worker(
                configuration, communicator: communicator, control: control, nodeName: nodes[communicator.rank],
                printsWeightsHash: true, upTo: .teacher,
                logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }
            ) { outcome.lines.append($0) }
            _ = try worker.run()
            outcome.startStep = scripted.begun.first?.startStep
            outcome.notices = scripted.notices
            return outcome
        }[0]
    }

    /// The same, ended between the saves of steps 12 and 16. That of step 8 is published before that of 12 begins, which may
    /// not have come so far.
    private static func crash(_ run: TemporaryRun, nodes: [String]) {
        #expect(throws: ControlError.journal("failed on purpose")) {
            _ = try train(run, nodes: nodes, generation: 1, failingAt: 13)
        }
    }

    private static func removeNodes(_ run: TemporaryRun) {
        try? FileManager.default.removeItem(atPath: run.folder + "-nodes")
    }

    /// The files that are kept on a machine, by their step's folder and name.
    private static func files(_ run: TemporaryRun, on node: String) -> [String] {
        let root = "\(run.folder)-nodes/\(node)"
        return (FileManager.default.subpaths(atPath: root) ?? []).filter { $0.hasSuffix(".safetensors") }.sorted()
            .map { "\(root)/\($0)" }
    }

    private static func damage(_ path: String) throws {
        var bytes = try Data(contentsOf: URL(filePath: path))
        bytes[bytes.count - 2] ^= 1
        try bytes.write(to: URL(filePath: path))
    }

    /// The weights after all steps without a disturbance.
    private static func reference() throws -> [String] {
        let run = TemporaryRun()
        defer { removeNodes(run) }
        return try train(run, nodes: ["a"], generation: 1).lines
    }

    @Test(
        "When a machine is lost with its disk, the ranks of the others go on from the last save and end with the same bits",
        arguments: [["a", "a"], ["b"], ["b", "b", "b", "c"]])
    func lostMachine(remaining: [String]) throws {
        let run = TemporaryRun()
        defer { Self.removeNodes(run) }
        Self.crash(run, nodes: ["a", "a", "b", "b"])
        for node in ["a", "b"] where !remaining.contains(node) {
            try FileManager.default.removeItem(atPath: "\(run.folder)-nodes/\(node)")
        }
        let second = try Self.train(run, nodes: remaining, generation: 2)
        #expect((second.startStep ?? 0) >= 8)
        #expect(second.notices.isEmpty, "\(second.notices)")
        #expect(second.lines == (try Self.reference()))
    }

    @Test("What two machines keep is two copies of every share, the hashes of which agree")
    func copies() throws {
        let run = TemporaryRun()
        defer { Self.removeNodes(run) }
        Self.crash(run, nodes: ["a", "a", "b", "b"])
        let manifest = try #require(
            try run.layout.nodeCheckpoints(of: "teacher").newestVerified(settingAside: false).found?.manifest)
        #expect(manifest.isOnNodes == true && manifest.files.count == 4)
        for node in ["a", "b"] {
            let root = "\(run.folder)-nodes/\(node)"
            let key = try #require(FileManager.default.contentsOfDirectory(atPath: root).first)
            let shards = NodeShards(folder: "\(root)/\(key)/teacher")
            #expect(shards.files(of: manifest) == manifest.files.keys.sorted())
            for name in manifest.files.keys { #expect(shards.problem(with: name, of: manifest) == nil) }
        }
        #expect(try run.layout.checkpoints(of: "teacher").publishedSteps().isEmpty)
    }

    @Test("A damaged file is told, and the copy on the other machine is read")
    func damagedFile() throws {
        let run = TemporaryRun()
        defer { Self.removeNodes(run) }
        Self.crash(run, nodes: ["a", "b"])
        for path in Self.files(run, on: "a") { try Self.damage(path) }
        let second = try Self.train(run, nodes: ["a", "b"], generation: 2)
        #expect((second.startStep ?? 0) >= 8)
        #expect(!second.notices.isEmpty && second.notices.allSatisfy { $0.hasPrefix("a: a copy is not used: ") })
        #expect(second.lines == (try Self.reference()))
    }

    @Test("Where both copies are damaged the newest before it is taken, at last none, to the same bits")
    func bothDamaged() throws {
        let run = TemporaryRun()
        defer { Self.removeNodes(run) }
        Self.crash(run, nodes: ["a", "b"])
        for node in ["a", "b"] { for path in Self.files(run, on: node) { try Self.damage(path) } }
        let second = try Self.train(run, nodes: ["a", "b"], generation: 2)
        #expect(second.startStep == 0)
        #expect(second.notices.contains { $0.hasSuffix("is on no machine of this launch as it was written") })
        #expect(second.lines == (try Self.reference()))
    }

    @Test("A stage that has ended leaves nothing on the machines, and is not trained again")
    func ending() throws {
        let run = TemporaryRun()
        defer { Self.removeNodes(run) }
        let whole = try Self.train(run, nodes: ["a", "b"], generation: 1)
        #expect(whole.lines.count == 1)
        for node in ["a", "b"] {
            let left = try FileManager.default.contentsOfDirectory(atPath: "\(run.folder)-nodes/\(node)")
            #expect(left.isEmpty, "\(left)")
        }
        #expect(try run.layout.nodeCheckpoints(of: "teacher").publishedSteps().isEmpty)
        let again = try Self.train(run, nodes: ["a", "b"], generation: 2)
        #expect(again.startStep == nil && again.lines == whole.lines)
    }

    @Test("A launch that keeps nothing on machines removes the manifests of one that did when the stage ends")
    func withoutPlace() throws {
        let run = TemporaryRun()
        defer { Self.removeNodes(run) }
        Self.crash(run, nodes: ["a", "b"])
        var configuration = Self.configuration(run)
        (configuration.checkpoints.nodeFolder, configuration.checkpoints.nodeEverySteps) = ("", 0)
        let control = ScriptedControl(runFolder: run.folder, generation: 2)
        let worker = Worker(
            configuration, communicator: SelfCommunicator(), control: control, printsWeightsHash: false,
            upTo: .teacher, logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }
        ) { _ in }
        _ = try worker.run()
        #expect(control.begun.map(\.startStep) == [0])
        #expect(try run.layout.nodeCheckpoints(of: "teacher").publishedSteps().isEmpty)
    }

    @Test("A machine whose folder cannot be written to costs that save, with the reason, and nothing else")
    func unwritable() throws {
        let run = TemporaryRun()
        defer { Self.removeNodes(run) }
        try FileManager.default.createDirectory(atPath: run.folder + "-nodes", withIntermediateDirectories: true)
        _ = FileManager.default.createFile(atPath: run.folder + "-nodes/b", contents: nil)
        let outcome = try Self.train(run, nodes: ["a", "b"], generation: 1)
        #expect(outcome.lines == (try Self.reference()))
        #expect(try run.layout.checkpoints(of: "teacher").publishedSteps() == [16])
    }

    @Test("Checkpoints that were withdrawn are not gone on from, wherever their files are")
    func withdrawn() throws {
        let run = TemporaryRun()
        defer { Self.removeNodes(run) }
        Self.crash(run, nodes: ["a", "b"])
        _ = try run.layout.withdraw(stage: "teacher", after: 0)
        let second = try Self.train(run, nodes: ["a", "b"], generation: 2)
        #expect(second.startStep == 0)
    }
}
