import ArgumentParser
import Coordination
import Foundation
import Training

struct RunCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "run",
        abstract: "Run a configuration, or continue it where it stopped.",
        discussion: "Ctrl-C finishes the steps under way, saves and stops; a second Ctrl-C kills.")

    @Argument(help: "The configuration, such as configs/digits.yaml.")
    var config: String

    @Option(name: .customLong("set"), help: "Override a key of the configuration: section.key=value. May be repeated.")
    var overrides: [String] = []

    @Flag(help: "Start from the beginning, although the run folder holds checkpoints.")
    var fresh = false

    @Option(
        help: "End each training stage after this many steps; in a folder of its own without --set run.folder.")
    var stopAfter: Int?

    @Flag(help: "Print the SHA-256 of each stage's final weights.")
    var printWeightsHash = false

    func validate() throws {
        if let stopAfter, stopAfter < 1 { throw ValidationError("--stop-after \(stopAfter) is less than 1") }
    }

    func run() async throws {
        let configuration = try RunConfiguration.load(path: config, overrides: overrides, stopAfter: stopAfter)
        let folder = RunFolder(path: configuration.run.folder)
        let coordinator = CoordinatorProcess(arguments: coordinatorArguments)
        let progress = ProgressDisplay(folder: folder)

        let code = try await coordinator.run(showing: progress)

        if code == ExitStatus.done.rawValue {
            let ending = RunEnding(folder: folder)
            print(try ending.text(includingEvaluation: stopAfter == nil))
        }
        throw ExitCode(code)
    }

    private var coordinatorArguments: [String] {
        var arguments = ["--config", config]
        for override in overrides { arguments += ["--set", override] }
        if fresh { arguments.append("--fresh") }
        if let stopAfter { arguments += ["--stop-after", String(stopAfter)] }
        if printWeightsHash { arguments.append("--print-weights-hash") }
        return arguments
    }
}
