import ArgumentParser
import CommandLineOptions
import Coordination
import Distillation
import Training

struct PairsCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "pairs",
        abstract: "Make the noise-image pairs of a run's regression loss, and what they need, and end there.",
        discussion: "dmd2 run goes on from them. What is there already is kept.")

    @Argument(help: "The configuration, with distil.regressionWeight above 0.")
    var config: String

    @OptionGroup var options: RunOptions

    func run() async throws {
        let configuration = try options.configuration(path: config)
        guard configuration.distil.regressionWeight > 0 else {
            throw CommandFailure(
                .badConfiguration,
                "\(config): distil.regressionWeight is 0, so the run has no pairs; set it, for example "
                    + "--set distil.regressionWeight=0.25")
        }
        throw ExitCode(try await SupervisedRun(path: config, options: options, last: .pairs).run())
    }
}
