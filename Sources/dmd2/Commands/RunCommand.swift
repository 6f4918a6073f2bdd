import ArgumentParser
import CommandLineOptions
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

    @OptionGroup var options: RunOptions

    func run() async throws {
        let configuration = try options.configuration(path: config)
        let folder = RunFolder(path: configuration.run.folder)
        let coordinator = CoordinatorProcess(arguments: options.arguments(path: config))
        let progress = ProgressDisplay(folder: folder)

        let code = try await coordinator.run(showing: progress)

        if code == ExitStatus.done.rawValue {
            let ending = RunEnding(folder: folder)
            print(try ending.text(includingEvaluation: options.stopAfter == nil))
        }
        throw ExitCode(code)
    }
}
