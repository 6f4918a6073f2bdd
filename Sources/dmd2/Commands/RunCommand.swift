import ArgumentParser
import CommandLineOptions
import Coordination
import Foundation
import Training

struct RunCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "run",
        abstract: "Run a configuration, or continue it where it stopped.",
        discussion: """
            Ctrl-C finishes the steps under way, saves and stops (75); a second Ctrl-C kills. In another terminal dmd2 \
            status, set, checkpoint, stop, events and explain show and change the run.
            """)

    @Argument(help: "The configuration, such as configs/digits.yaml.")
    var config: String

    @OptionGroup var options: RunOptions
    @OptionGroup var lastStage: LastStageOption

    func run() async throws {
        throw ExitCode(try await SupervisedRun(path: config, options: options, last: lastStage.until).run())
    }
}

/// A run from this terminal: the coordinator's process, its progress, and what is printed at the end.
struct SupervisedRun {
    let path: String
    let options: RunOptions
    /// The stage it ends with; nil: its last.
    let last: StagePlan.Stage?

    /// Runs to the end and returns the coordinator's exit code.
    func run() async throws -> Int32 {
        let configuration = try options.configuration(path: path)
        try StagePlan(configuration).checkContains(last)
        let folder = RunFolder(path: configuration.run.folder)
        let coordinator = CoordinatorProcess(folder: folder, arguments: options.arguments(path: path, upTo: last))
        let progress = ProgressDisplay(folder: folder)

        let code = try await coordinator.run(showing: progress)

        if code == ExitStatus.done.rawValue {
            let judges = options.stopAfter == nil && last.map { $0 == .evaluate } ?? true
            print(try RunEnding(folder: folder).text(includingEvaluation: judges))
        }
        return code
    }
}
