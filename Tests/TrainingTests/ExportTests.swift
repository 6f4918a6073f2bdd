import Checkpoints
import Communication
import Coordination
import Diffusion
import Distillation
import Evaluation
import Foundation
import Layers
import Logging
import Tensors
import Testing
import Training

struct ExportTests {
    /// A run without evaluation, trained to its end, and what it announced of its weights.
    private static func trainedRun(_ temporary: TemporaryRun) throws -> (RunConfiguration, lines: [String]) {
        var configuration = TinyRun(folder: temporary.folder).configuration
        configuration.run.stopAfter = 100
        return (configuration, try lines(of: configuration))
    }

    private static func lines(of configuration: RunConfiguration) throws -> [String] {
        var lines: [String] = []
        let control = ScriptedControl(runFolder: configuration.run.folder)
        let worker = Worker(
            configuration, communicator: SelfCommunicator(), control: control, printsWeightsHash: true,
            logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }
        ) { lines.append($0) }
        #expect(try worker.run() == .finished)
        return lines
    }

    private static func export(
        _ role: ExportedRole, _ values: ExportedValues? = nil, of configuration: RunConfiguration, to path: String
    ) throws -> WeightsExport {
        let store = RunFolderLayout(configuration.run.folder).checkpoints(of: role.stage)
        let checkpoint = try #require(try store.newestVerified(settingAside: false).found)
        let export = try WeightsExport(checkpoint, role: role, values: values, configuration: configuration)
        _ = try export.write(to: path)
        return export
    }

    @Test("Every network leaves a run under the names and in the shapes of its own, and says where it comes from")
    func names() throws {
        let temporary = TemporaryRun()
        let (configuration, _) = try Self.trainedRun(temporary)
        let path = temporary.folder + "/weights.safetensors"
        let layout = TinyRun().denoiser.layout.entries
        let head = ["0.weight", "0.bias", "1.weight", "1.bias", "3.weight", "3.bias"].map { "head." + $0 }
        for (role, values) in [(ExportedRole.teacher, ExportedValues.average), (.student, .average), (.critic, .raw)] {
            let export = try Self.export(role, of: configuration, to: path)
            #expect(export.values == values)
            let file = try SafetensorsFile(path: path)
            #expect(Set(file.entries.keys) == Set(layout.map(\.name) + (role == .critic ? head : [])))
            for entry in layout { #expect(file.entries[entry.name]?.shape == entry.shape) }
            #expect(file.metadata["role"] == role.rawValue && file.metadata["format"] == "pt")
            #expect(file.metadata["step"] == (role == .teacher ? "5" : "4"))
            #expect(file.metadata["configuration"] == configuration.canonicalText)
        }
        #expect {
            try Self.export(.critic, .average, of: configuration, to: path)
        } throws: { error in
            let description = "\(error)"
            return description.contains("no moving average of the critic") && description.hasSuffix("ask for --raw")
                && ExitStatus(for: error) == .inputMissing
        }
    }

    @Test("Without a word a student's weights are those that the run evaluates, a further average among them")
    func evaluatedStudent() throws {
        let temporary = TemporaryRun()
        var configuration = TinyRun(folder: temporary.folder).configuration
        configuration.run.stopAfter = 100
        configuration.distil.emaFurtherDecays = [0.5]
        _ = try Self.lines(of: configuration)
        let path = temporary.folder + "/student.safetensors"
        var found: [[Float]] = []
        for (student, values) in [
            (EvaluationConfiguration.StudentWeights.average, ExportedValues.average), (.raw, .raw),
            (.furtherAverage(decay: 0.5), .furtherAverage(decay: 0.5)),
        ] {
            configuration.evaluate.student = student
            let export = try Self.export(.student, of: configuration, to: path)
            #expect(export.values == values)
            #expect(try SafetensorsFile(path: path).metadata["weights"] == values.name)
            #expect(export.tensors.map(\.name) == TinyRun().denoiser.layout.entries.map(\.name).sorted())
            found.append(export.tensors.flatMap(\.value.elements))
        }
        #expect(found[0] != found[1] && found[1] != found[2] && found[0] != found[2])
        configuration.evaluate.student = .furtherAverage(decay: 0.25)
        #expect(throws: CheckpointError.self) { try Self.export(.student, of: configuration, to: path) }
        #expect(
            try Self.export(.student, .raw, of: configuration, to: path).tensors.flatMap(\.value.elements) == found[1])
    }

    @Test("A student's images depend on seed and label, not on the size of a batch, and lie in a row a label")
    func samples() throws {
        let temporary = TemporaryRun()
        let (configuration, _) = try Self.trainedRun(temporary)
        let export = try Self.export(.student, of: configuration, to: temporary.folder + "/student.safetensors")
        func samples(_ labels: [Int], seed: UInt64, batch: Int) throws -> StudentSamples {
            try StudentSamples(export, configuration: configuration, labels: labels, seed: seed, batch: batch)
        }
        let labels = [7, 2, 7, 2, 7]
        let whole = try samples(labels, seed: 5, batch: 5)
        // Batches of other sizes go other ways through convolutions, which round differently.
        let parts = try samples(labels, seed: 5, batch: 2)
        #expect(zip(whole.images.elements, parts.images.elements).allSatisfy { abs($0 - $1) < 1e-4 })
        #expect(try samples(labels, seed: 6, batch: 5).images.elements != whole.images.elements)
        #expect(try samples([2, 7, 7, 2, 7], seed: 5, batch: 5).images.elements != whole.images.elements)
        // Two labels, at most three images of one; cells of 8x8 pixels are drawn 32 wide, two pixels apart.
        #expect(whole.picture.width == 3 * 34 + 2 && whole.picture.height == 2 * 34 + 2)

        let path = temporary.folder + "/samples.safetensors"
        try whole.writeTensors(to: path)
        let file = try SafetensorsFile(path: path)
        #expect(file.entries["images"]?.shape == [5, 1, 8, 8] && file.entries["labels"]?.shape == [5])
        #expect(file.metadata["seed"] == "5" && file.metadata["role"] == "student")
    }

    @Test("A teacher that was exported and given to another run distils to the same bits, without a teacher stage")
    func roundTrip() throws {
        let (first, second) = (TemporaryRun(), TemporaryRun())
        let (configuration, lines) = try Self.trainedRun(first)
        let path = first.folder + "/teacher.safetensors"
        _ = try Self.export(.teacher, of: configuration, to: path)

        var given = configuration
        given.run.folder = second.folder
        given.teacher.weights = path
        let bound = try given.bindingTeacherFile()
        #expect(bound.teacher.weightsSHA256.count == 64)
        #expect(try Self.lines(of: bound) == lines.filter { $0.hasPrefix("weights distil") })
    }

    @Test("Another file than the run was begun with is a difference in its settings; the same elsewhere is none")
    func otherFile() throws {
        let temporary = TemporaryRun()
        let (configuration, _) = try Self.trainedRun(temporary)
        let paths = ["a", "b", "moved"].map { "\(temporary.folder)/\($0).safetensors" }
        _ = try Self.export(.teacher, .average, of: configuration, to: paths[0])
        _ = try Self.export(.teacher, .raw, of: configuration, to: paths[1])
        try FileManager.default.copyItem(atPath: paths[0], toPath: paths[2])
        func bound(_ path: String, _ sha256: String = "") throws -> RunConfiguration {
            var given = configuration
            (given.teacher.weights, given.teacher.weightsSHA256) = (path, sha256)
            return try given.bindingTeacherFile()
        }
        let begun = try bound(paths[0])
        #expect(try bound(paths[2]).differences(from: begun).isEmpty)
        #expect(try bound(paths[1]).differences(from: begun).map(\.key) == ["teacher.weightsSHA256"])
        #expect(configuration.differences(from: begun).map(\.key) == ["teacher.weightsSHA256"])
        #expect {
            try bound(paths[1], begun.teacher.weightsSHA256)
        } throws: {
            "\($0)".contains("restore that file") && !"\($0)".contains("\n")
        }
    }

    @Test("A file of another network is refused with its first difference; a missing one is an input that is missing")
    func unfitting() throws {
        let temporary = TemporaryRun()
        let (configuration, _) = try Self.trainedRun(temporary)
        let path = temporary.folder + "/weights.safetensors"
        _ = try Self.export(.critic, of: configuration, to: path)
        var given = configuration
        given.teacher.weights = path
        #expect { try given.bindingTeacherFile() } throws: { error in
            "\(error)".contains("it has a tensor head.0.bias, which is not wanted") && !"\(error)".contains("\n")
                && ExitStatus(for: error) == .badConfiguration
        }
        _ = try Self.export(.teacher, of: configuration, to: path)
        given.network.channels = 32
        #expect { try given.bindingTeacherFile() } throws: { error in
            "\(error)".contains("tensor model.map_layer0.weight has shape [64, 16], not [128, 32]")
        }
        given.teacher.weights = temporary.folder + "/absent"
        #expect { try given.bindingTeacherFile() } throws: { ExitStatus(for: $0) == .inputMissing }
    }

    @Test("An example holds finite numbers of the shapes that its file promises")
    func example() throws {
        let temporary = TemporaryRun()
        let (configuration, _) = try Self.trainedRun(temporary)
        let export = try Self.export(.critic, of: configuration, to: temporary.folder + "/critic.safetensors")
        let path = temporary.folder + "/example.safetensors"
        try DenoisingExample(export, configuration: configuration).write(to: path)
        let file = try SafetensorsFile(path: path)
        let count = try file.values("sigma", as: Float.self).count
        #expect(file.entries["x"]?.shape == [count, 1, 8, 8] && file.entries["denoised"]?.shape == [count, 1, 8, 8])
        #expect(file.entries["bottleneck"]?.shape == [count, 64, 4, 4] && file.entries["logits"]?.shape == [count, 1])
        for name in file.entries.keys { #expect(try file.values(name, as: Float.self).allSatisfy(\.isFinite)) }
    }
}
