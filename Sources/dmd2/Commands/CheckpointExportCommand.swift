import ArgumentParser
import Checkpoints
import Coordination
import Foundation
import Training

extension ExportedRole: ExpressibleByArgument {}

struct CheckpointExportCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "export",
        abstract: "Write the weights of one network to a safetensors file that PyTorch loads as a state dict.",
        discussion: "The newest checkpoint that verifies is taken, or the one that --step names.")

    @OptionGroup var argument: RunArgument

    @Option(help: "The network.")
    var role: ExportedRole

    @Flag(
        help:
            "What the optimiser changes, or its moving average. Default: of a student what evaluate.student says; of a teacher the average; of a critic, which has none, raw."
    )
    var values: ExportedValuesFlag?

    @Option(help: "The step of the checkpoint; dmd2 checkpoint ls lists them.")
    var step: Int?

    @Option(help: "The file to write; one that is there is replaced.")
    var output: String

    @Option(help: "Also write a file of inputs and what the network makes of them, to compare other programs with.")
    var example: String?

    @Flag(help: "Print one JSON object.")
    var json = false

    func run() throws {
        let folder = try argument.folder()
        let configuration = try RunConfiguration.load(path: folder.layout.configuration)
        let checkpoint = try folder.checkpoint(of: role, step: step, configuration)
        let export = try WeightsExport(
            checkpoint, role: role, values: values?.exported, configuration: configuration)
        let fingerprint = try export.write(to: output)
        if let example { try DenoisingExample(export, configuration: configuration).write(to: example) }
        let line = ExportLine(export, fingerprint, step: checkpoint.manifest.step, output: output)
        print(json ? try BenchmarkFormat.line(line) : line.text)
    }
}

/// `--raw` or `--average`.
enum ExportedValuesFlag: String, EnumerableFlag {
    case raw, average

    var exported: ExportedValues { self == .raw ? .raw : .average }
}

/// What an export says about the file.
private struct ExportLine: Encodable {
    let path: String
    let sha256: String
    let bytes: Int
    let role: String
    let weights: String
    let stage: String
    let step: Int
    let tensors: Int

    init(_ export: WeightsExport, _ fingerprint: FileFingerprint, step: Int, output: String) {
        path = output
        sha256 = fingerprint.sha256
        bytes = fingerprint.byteCount
        role = export.role.rawValue
        weights = export.values.name
        stage = export.role.stage
        self.step = step
        tensors = export.tensors.count
    }

    var text: String {
        "\(path): \(role), \(weights) weights of \(stage) step \(step), \(tensors) tensors, \(bytes) bytes, sha256 \(sha256)"
    }
}
