import ArgumentParser
import CommandLineOptions
import Evaluation
import Kernels
import Training

/// Proposes `distil.ganWeight`.
struct CalibrateCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "calibrate",
        abstract: "Find the distil.ganWeight at which the GAN's gradient is a given share of the matching gradient.",
        discussion: """
            Begins the distillation in memory, with the teacher that the run folder has, at the configured weight and at \
            those proposed, and measures what the line health of dmd2 status calls GAN/DM gradient. Without a configured \
            weight it begins at \(GanWeightCalibration.firstWeight). Writes nothing.
            """)

    @Argument(help: "The configuration, such as configs/digits.yaml.")
    var config: String

    @OptionGroup var overrides: ConfigurationOverrides
    @OptionGroup var format: BenchmarkFormat

    @Option(help: "The share: the GAN gradient's norm at an image by the matching gradient's; by default the digits'.")
    var fraction = 0.05

    @Option(help: "Student updates that are measured, after the learning rates' warm-up.")
    var updates = 20

    func validate() throws {
        if !(fraction > 0 && fraction.isFinite) {
            throw ValidationError("--fraction \(fraction) is not greater than 0")
        }
        if updates < 1 { throw ValidationError("--updates \(updates) is less than 1") }
    }

    func run() throws {
        let configuration = try RunConfiguration.load(path: config, overrides: overrides.assignments)
        ThreadPool.configure(threadCount: configuration.launch.threadsOfAllRanks)
        var display = StepsDisplay()
        defer { display.finish() }
        let result = try GanWeightCalibration(configuration, fraction: fraction, updates: updates).run { progress in
            let title = "[\(progress.round)/\(progress.mostRounds)] calibrate, ganWeight \(progress.weight)"
            display.show(title, step: progress.step, of: progress.steps)
        }
        display.finish()
        try format.show(result) { Self.text(result) }
    }

    private static func text(_ result: GanWeightCalibration.Result) -> String {
        func figure(_ value: Double) -> String { NumberText.figure(value) }
        let share = "GAN/DM gradient"
        var rows: [(name: String, value: String)] = [
            ("proposed", "distil.ganWeight \(result.gan_weight): \(share) \(figure(result.gradient_ratio))"),
            (
                "configured",
                "distil.ganWeight \(result.configured_gan_weight)"
                    + (result.configured_gradient_ratio.map { ": \(share) \(figure($0))" } ?? ": no GAN")
            ),
            (
                "asked for",
                "\(share) \(figure(result.fraction))" + (result.reached ? "" : ", which no weight tried has")
            ),
        ]
        for (number, round) in result.rounds.enumerated() {
            rows.append(
                (
                    "round \(number + 1)",
                    "weight \(round.gan_weight): norms at an image \(figure(round.gan_gradient)) (GAN) by "
                        + "\(figure(round.matching_gradient)) (matching) = \(figure(round.gradient_ratio))"
                ))
        }
        rows.append(
            (
                "measured",
                "student updates \(result.first_student_update) to \(result.last_student_update) of a distillation of "
                    + "\(result.steps) steps" + (result.teacher_steps.map { "; the teacher has \($0)" } ?? "")
            ))
        return Rows.text(rows)
            + "\n\nbegin with --set distil.ganWeight=\(result.gan_weight), then try larger and smaller"
    }
}
