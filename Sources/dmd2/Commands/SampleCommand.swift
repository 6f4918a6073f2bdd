import ArgumentParser
import Checkpoints
import Coordination
import Diffusion
import Evaluation
import Foundation
import Kernels
import Training

/// Images of a run's student.
struct SampleCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "sample",
        abstract: "Make images with a run's student.",
        discussion: """
            The newest checkpoint that verifies is taken, or the one that --step names. With the run's own seed the \
            first images are those that the run's evaluation judged.
            """)

    @OptionGroup var argument: RunArgument

    @Option(help: "How many images.")
    var images = 100

    @Option(help: "Labels that are asked for in turn, such as 3,5; by default all classes.")
    var labels: LabelList?

    // Unconditional: -1 is then a seed that is none, not an option that is unknown.
    @Option(parsing: .unconditional, help: "Seed of the noise; by default the run's.")
    var seed: UInt64?

    @Option(help: "The step of the checkpoint.")
    var step: Int?

    @Flag(help: "What the optimiser changes, or its moving average; by default what evaluate.student says.")
    var values: ExportedValuesFlag?

    @Option(help: "The file to write: a picture (.png), or the images as numbers (.safetensors).")
    var output: String

    private var format: SampleFile? { SampleFile(rawValue: (output as NSString).pathExtension) }

    func validate() throws {
        if images < 1 { throw ValidationError("--images \(images) is less than 1") }
        guard format != nil else {
            throw ValidationError("--output \(output) ends in neither .png nor .safetensors")
        }
    }

    func run() throws {
        let folder = try argument.folder()
        let configuration = try RunConfiguration.load(path: folder.layout.configuration)
        let classes = configuration.network.classes
        let asked = labels?.values ?? Array(0..<classes)
        if let label = asked.first(where: { !(0..<classes).contains($0) }) {
            throw CommandFailure(.usage, "--labels \(label): \(folder.path) has the classes 0 to \(classes - 1)")
        }
        ThreadPool.configure(threadCount: configuration.launch.threadsOfAllRanks)
        let export = try WeightsExport(
            folder.checkpoint(of: .student, step: step, configuration), role: .student, values: values?.exported,
            configuration: configuration)
        var display = StepsDisplay()
        let samples = try StudentSamples(
            export, configuration: configuration, labels: (0..<images).map { asked[$0 % asked.count] },
            seed: seed ?? configuration.run.seed, batch: configuration.evaluate.batch
        ) { display.show("images", step: $0, of: images) }
        display.finish()
        switch format {
        case .png: try AtomicFile.write(PNGFile.encode(samples.picture), to: output)
        case .safetensors, nil: try samples.writeTensors(to: output)
        }
        let calls = samples.networkCalls
        print("\(output): \(images) images of \(folder.path), \(counted(calls, "network call")) each")
    }
}

/// What a file of samples holds, by the ending of its name.
private enum SampleFile: String {
    case png, safetensors
}

/// Labels as a person writes them: `3,5`.
struct LabelList: ExpressibleByArgument {
    let values: [Int]

    init?(argument: String) {
        let parts = argument.split(separator: ",", omittingEmptySubsequences: false).map { Int($0) }
        guard !parts.contains(nil) else { return nil }
        values = parts.compactMap { $0 }
    }
}
