import ArgumentParser
import Checkpoints
import Coordination
import Foundation

struct CheckpointDiffCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "diff",
        abstract: "Compare two checkpoints, or two safetensors files, tensor by tensor.",
        discussion: "Ends with 0 if every bit is the same and with 65 if not.")

    @Argument(help: "A checkpoint's folder, such as runs/digits/checkpoints/distil/step-00000250, or a file.")
    var first: String

    @Argument(help: "What it is compared with.")
    var second: String

    @OptionGroup var format: OutputFormat

    func run() throws {
        let differences = try TensorDifference.all(
            between: Self.tensors(at: first), and: Self.tensors(at: second))
        let lines = differences.filter { format.json || $0.finding != .same }.map(DifferenceLine.init)
        try format.show(lines, text: \.text)
        let count = differences.count { $0.finding != .same }
        guard count == 0 else {
            throw CommandFailure(.badData, "\(count) of \(differences.count) tensors differ")
        }
        if !format.json { print("\(differences.count) tensors, every bit the same") }
    }

    private static func tensors(at path: String) throws -> TensorCollection {
        var isFolder: ObjCBool = false
        let isFile = FileManager.default.fileExists(atPath: path, isDirectory: &isFolder) && !isFolder.boolValue
        // Of a step that is not there the collection says which ones are.
        guard isFile || URL(fileURLWithPath: path).lastPathComponent.hasPrefix("step-") else {
            throw CommandFailure(.inputMissing, "\(path): neither a safetensors file nor a checkpoint's folder, step-N")
        }
        return try TensorCollection(path: path)
    }
}

/// A tensor as `diff` shows it.
private struct DifferenceLine: Encodable {
    let name: String
    let same: Bool
    var maxAbsolute: Double?
    var maxRelative: Double?
    var problem: String?

    init(_ difference: TensorDifference) {
        name = difference.name
        same = difference.finding == .same
        switch difference.finding {
        case .same: (maxAbsolute, maxRelative) = (0, 0)
        case .values(let absolute, let relative) where absolute.isFinite:
            (maxAbsolute, maxRelative) = (Double(absolute), Double(relative))
        case .values: problem = "values that are not finite"
        case .shapes(let first, let second): problem = "shape \(first), then \(second)"
        case .onlyInFirst: problem = "only in the first"
        case .onlyInSecond: problem = "only in the second"
        }
    }

    var text: String {
        guard let maxAbsolute, let maxRelative else { return "\(name): \(problem ?? "")" }
        let numbers = String(format: "%.3g, %.3g of the largest value", maxAbsolute, maxRelative)
        return "\(name): largest difference \(numbers)"
    }
}
