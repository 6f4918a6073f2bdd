import ArgumentParser
import CommandLineOptions
import Evaluation
import Training

/// Proposes `distil.ganWeight`.
struct CalibrateCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "calibrate",
        abstract: "Propose distil.ganWeight: matching and GAN gradients of equal norm at the student's images.",
        discussion: "Reads the teacher from the run folder, begins a distillation in memory, and writes nothing.")

    @Argument(help: "The configuration, such as configs/digits.yaml.")
    var config: String

    @OptionGroup var overrides: ConfigurationOverrides
    @OptionGroup var format: BenchmarkFormat

    @Option(help: "Critic updates before the first student update.")
    var warmup = 100

    @Option(help: "Student updates that are measured.")
    var updates = 20

    func validate() throws {
        if warmup < 0 { throw ValidationError("--warmup \(warmup) is negative") }
        if updates < 1 { throw ValidationError("--updates \(updates) is less than 1") }
    }

    func run() throws {
        let configuration = try RunConfiguration.load(path: config, overrides: overrides.assignments)
        let result = try GanWeightCalibration(configuration, warmup: warmup, updates: updates).run()
        try format.show(result) {
            let proposed = NumberText.figure(result.gan_weight)
            let rows = [
                ("proposed", "distil.ganWeight \(proposed); now \(NumberText.figure(result.configured_gan_weight))"),
                ("matching", "gradient norm \(NumberText.figure(result.matching_gradient)) at an image"),
                ("GAN", "gradient norm \(NumberText.figure(result.gan_gradient_at_weight_1)) at weight 1"),
                (
                    "measured",
                    "\(result.student_updates) student updates after \(warmup) of the critic alone"
                        + (result.teacher_steps.map { "; the teacher has \($0)" } ?? "")
                ),
            ]
            return Rows.text(rows) + "\n\nbegin with --set distil.ganWeight=\(proposed), then try larger and smaller"
        }
    }
}
