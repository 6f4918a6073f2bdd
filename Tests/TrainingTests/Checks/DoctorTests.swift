import Checkpoints
import Communication
import Diffusion
import Distillation
import Foundation
import Logging
import Testing
import Training

/// The checks together, on real configurations.
struct DoctorTests {
    private static func outcomes(_ configuration: RunConfiguration) -> [String: Finding.Outcome] {
        Dictionary(uniqueKeysWithValues: findings(configuration).map { ($0.name, $0.outcome) })
    }

    private static func findings(_ configuration: RunConfiguration) -> [Finding] {
        var findings: [Finding] = []
        Doctor(configuration).examine { findings.append($0) }
        return findings
    }

    private static func train(_ configuration: RunConfiguration) throws {
        let worker = Worker(
            configuration, communicator: SelfCommunicator(),
            control: ScriptedControl(runFolder: configuration.run.folder), printsWeightsHash: false,
            logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }
        ) { _ in }
        _ = try worker.run()
    }

    @Test("A run that has not begun passes; that there is no teacher yet is no fault")
    func fresh() {
        let run = TemporaryRun()
        #expect(
            Self.outcomes(TinyRun(folder: run.folder).configuration) == [
                "run folder": .ok, "mpirun": .ok, "labels": .ok, "pixels": .ok, "noise levels": .ok,
                "teacher": .skipped, "matching gradient": .ok,
                "memory": .ok, "disk": .ok,
            ])
        #expect(!FileManager.default.fileExists(atPath: run.folder), "it only reads")
    }

    @Test("What a run would meet before its first step fails: its folder, mpirun, keys, hosts")
    func launch() throws {
        let run = TemporaryRun()
        func check(_ change: (inout RunConfiguration) -> Void) -> [String: Finding] {
            let findings = LaunchCheck(TinyRun(folder: run.folder, change).configuration).findings
            return Dictionary(uniqueKeysWithValues: findings.map { ($0.name, $0) })
        }
        let faulty = check {
            $0.run.folder = "/dev/null/run"
            $0.launch.mpirun = "no-such-mpirun"
            $0.launch.hostFile = run.folder + ".hosts"
            $0.coordinator.keys = run.folder + ".keys"
        }
        #expect(faulty.values.allSatisfy { $0.outcome == .failed } && faulty.count == 4, "\(faulty)")
        #expect(faulty["host file"]?.measured.hasSuffix("No such file or directory") == true)

        defer { try? FileManager.default.removeItem(atPath: run.folder + ".hosts") }
        try Data("a slots=2\nb slots=1".utf8).write(to: URL(fileURLWithPath: run.folder + ".hosts"))
        let short = check {
            $0.launch.hostFile = run.folder + ".hosts"
            $0.launch.minRanks = 4
        }
        #expect(short["host file"]?.outcome == .warning)
        #expect(short["host file"]?.measured == "2 hosts with 3 slots, 4 needed")

        let owned = try OwnedRunFolder(configuration: TinyRun(folder: run.folder).configuration, fresh: false)
        #expect(check { _ in }["run folder"]?.measured.contains("run folder in use") == true)
        withExtendedLifetime(owned) {}
    }

    @Test("A run folder that this run goes on in is sound, and one with other settings is not")
    func otherSettings() throws {
        let run = TemporaryRun()
        do { _ = try OwnedRunFolder(configuration: TinyRun(folder: run.folder).configuration, fresh: false) }
        func finding(_ seed: UInt64) -> Finding? {
            LaunchCheck(TinyRun(folder: run.folder) { $0.run.seed = seed }.configuration).findings.first
        }
        #expect(finding(1)?.outcome == .ok && finding(1)?.measured.hasSuffix("holds this run, which goes on") == true)
        #expect(finding(7)?.outcome == .failed && finding(7)?.measured.contains("other settings") == true)
    }

    @Test("A folder for saves in between is looked at where it would be made")
    func nodeFolder() throws {
        let run = TemporaryRun()
        func finding(_ folder: String) -> Finding? {
            let configuration = TinyRun(folder: run.folder) {
                ($0.checkpoints.nodeFolder, $0.checkpoints.nodeEverySteps) = (folder, 1)
            }.configuration
            return Self.findings(configuration).first { $0.name == "node disk" }
        }
        let sound = try #require(finding("\(run.folder)/not/there/{host}"))
        #expect(sound.outcome == .ok && !FileManager.default.fileExists(atPath: run.folder), "it only reads")
        let refused = try #require(finding("/dev/null/{host}"))
        #expect(refused.outcome == .failed)
        #expect(refused.measured.hasSuffix("cannot be used as checkpoints.nodeFolder: /dev/null is not a folder"))
    }

    @Test("Points have a teacher in closed form before any training, and it is good")
    func closedForm() {
        let run = TemporaryRun()
        let configuration = TinyRun(folder: run.folder) {
            $0.data.source = .mixture2d
            $0.distil.teacher = .closedForm
            $0.network.backbone = .mlp
            ($0.network.resolution, $0.network.imageChannels, $0.network.classes) = (1, 2, 1)
            ($0.network.conditional, $0.network.channels) = (false, 64)
            ($0.network.channelMultipliers, $0.network.attentionResolutions) = ([1], [])
        }.configuration
        let findings = Self.findings(configuration)
        #expect(findings.allSatisfy { $0.outcome == .ok }, "\(findings)")
        #expect(findings.contains { $0.name == "teacher" && $0.measured.hasPrefix("closed form") })
    }

    @Test("The newest teacher of the run folder is tried, and one of five updates fails")
    func badTeacher() throws {
        let run = TemporaryRun()
        var configuration = TinyRun(folder: run.folder).configuration
        configuration.run.stopAfter = 100
        try Self.train(configuration)
        let teacher = Self.findings(configuration).first { $0.name == "teacher" }
        #expect(teacher?.outcome == .failed)
        #expect(teacher?.measured.hasPrefix("5 updates, error") == true, "\(teacher?.measured ?? "")")

        // What the run has written is what was predicted, but for manifests and headers.
        for stage in CheckpointForecast(configuration).stages {
            let store = run.layout.checkpoints(of: stage.name)
            let found = try #require(try store.newestVerified(settingAside: false).found)
            let bytes = found.manifest.files.values.reduce(0) { $0 + $1.byteCount }
            // A tensor's name, shape and place take less than 250 bytes of a header.
            let most = stage.bytes + 250 * found.manifest.tensors.count
            #expect((stage.bytes...most).contains(bytes), "\(stage.name) \(stage.bytes) \(bytes)")
        }
    }

    @Test("A teacher's file that is missing, labels out of range, and too little memory each fail by name")
    func faults() throws {
        let run = TemporaryRun()
        try FileManager.default.createDirectory(atPath: run.folder, withIntermediateDirectories: true)
        func idx(_ name: String, sizes: [Int], _ values: [UInt8]) throws -> String {
            let header: [UInt8] = [0, 0, 8, UInt8(sizes.count)] + sizes.flatMap { [0, 0, 0, UInt8($0)] as [UInt8] }
            let path = run.folder + "/" + name
            try Data(header + values).write(to: URL(filePath: path))
            return path
        }
        let images = try idx("images", sizes: [70, 8, 8], (0..<70 * 64).map { UInt8($0 * 37 % 256) })
        func outcomes(labels: [UInt8], memoryGiB: Double = 0, teacher: String = "") throws -> [String: Finding.Outcome]
        {
            let path = try idx("labels", sizes: [70], labels)
            return Self.outcomes(
                TinyRun(folder: run.folder) {
                    $0.data.source = .file(path: images)
                    $0.data.labels = path
                    $0.launch.memoryGiB = memoryGiB
                    $0.teacher.weights = teacher
                }.configuration)
        }
        let labels = (0..<70).map { UInt8($0 % 10) }
        #expect(try outcomes(labels: labels).values.allSatisfy { $0 == .ok || $0 == .skipped })
        #expect(try outcomes(labels: Array(labels.dropLast() + [10]))["labels"] == .failed)
        #expect(try outcomes(labels: labels.map { $0 == 4 ? 5 : $0 })["labels"] == .failed)
        #expect(try outcomes(labels: labels, memoryGiB: 0.05)["memory"] == .failed)
        #expect(try outcomes(labels: labels, teacher: run.folder + "/no.safetensors")["teacher"] == .failed)
        #expect(try outcomes(labels: Array(labels.dropLast()))["data"] == .failed)
    }
}
