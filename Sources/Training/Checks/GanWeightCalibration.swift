package import Coordination
import Diffusion
import Distillation
import Kernels
import Tensors

/// Measures how strong the matching loss and the GAN loss pull at the student's images, and proposes the GAN weight at
/// which they pull alike: what the method's author does by hand to begin with.
///
/// The matching gradient is 0 at first, because the critic begins as the teacher, and the head knows nothing. So a
/// distillation is begun, in memory and on one process: the critic and its head alone for a while, then some cycles,
/// whose student updates are measured. Nothing is written.
package struct GanWeightCalibration {
    /// What was measured; the keys are those of the JSON.
    package struct Result: Encodable, Sendable, Equatable {
        /// The weight at which both gradients have the same norm, and the configured one.
        package let gan_weight: Double
        package let configured_gan_weight: Double
        /// Mean L2 norms at an image: of the matching gradient, and of the GAN gradient at weight 1.
        package let matching_gradient: Double
        package let gan_gradient_at_weight_1: Double
        /// The updates that were measured, and all that the critic made.
        package let student_updates: Int
        package let critic_updates: Int
        /// The updates behind the teacher; nil for one from a file.
        package let teacher_steps: Int?
    }

    private let configuration: RunConfiguration
    private let warmup: Int, updates: Int

    /// A calibration for a configuration: `warmup` critic updates, then so many student updates that are measured.
    package init(_ configuration: RunConfiguration, warmup: Int = 100, updates: Int = 20) {
        precondition(warmup >= 0 && updates >= 1, "GanWeightCalibration: \(warmup) and \(updates) updates")
        (self.configuration, self.warmup, self.updates) = (configuration, warmup, updates)
    }

    /// Runs it. Throws: `CalibrationImpossible` if one of the losses is off, and what reading data and teacher throws.
    package func run() throws -> Result {
        guard configuration.distil.criticGanWeight > 0 else { throw CalibrationImpossible.untrainedHead }
        guard configuration.distil.matchingWeight > 0 else { throw CalibrationImpossible.noMatching }
        let threads = configuration.launch.threadsPerRank * configuration.launch.ranks
        ThreadPool.configure(threadCount: threads)
        let seed = configuration.distil.seed == 0 ? configuration.run.seed : configuration.distil.seed
        let images = TrainingImages(try configuration.data.load(configuration.network), seed: seed)
        let denoiser = Denoiser(configuration.network)
        let teacher = try StoredTeacher(configuration, denoiser: denoiser, images: images)
        var settings = configuration.distil
        // The norm is in proportion to the weight, so a switched-off term is measured at a weight that changes nothing.
        let weight = settings.ganWeight > 0 ? settings.ganWeight : 1e-6
        settings.ganWeight = weight
        let stage = DistillationStage(
            settings, denoiser: denoiser, trained: teacher.weights,
            teacher: settings.teacher == .closedForm ? .closedForm(like: denoiser) : nil,
            precision: configuration.precision,
            classes: configuration.network.classes, images: images, seed: seed)

        let schedule = RatioSchedule(ratio: settings.ratio.typical, firstStudentStep: warmup)
        let steps = schedule.step(ofStudentUpdate: updates - 1) + 1
        var sums = (matching: 0.0, gan: 0.0)
        for step in 0..<steps {
            let metrics = LocalStep.run(step, schedule.kind(of: step), of: stage)
            sums.matching += metrics[StudentMetric.matchingGradient.rawValue] ?? 0
            sums.gan += metrics[StudentMetric.ganGradient.rawValue] ?? 0
        }
        let matching = sums.matching / Double(updates)
        let gan = sums.gan / Double(updates) / weight
        guard matching > 0, gan > 0, matching.isFinite, gan.isFinite else {
            throw CalibrationImpossible.noGradient(matching: matching, gan: gan)
        }
        return Result(
            gan_weight: matching / gan, configured_gan_weight: configuration.distil.ganWeight,
            matching_gradient: matching, gan_gradient_at_weight_1: gan, student_updates: updates,
            critic_updates: steps, teacher_steps: teacher.step)
    }
}

/// Why no GAN weight can be proposed.
package enum CalibrationImpossible: Error, Sendable, CustomStringConvertible {
    case untrainedHead
    case noMatching
    case noGradient(matching: Double, gan: Double)

    package var description: String {
        switch self {
        case .untrainedHead:
            "distil.criticGanWeight is 0, so the head is never trained and its gradient means nothing: use 0.01"
        case .noMatching:
            "distil.matchingWeight is 0, so there is no matching gradient to compare with: use 1"
        case .noGradient(let matching, let gan):
            "the gradients at the image are \(matching) (matching) and \(gan) (GAN): one of the losses is off or broken"
        }
    }

    package var exitStatus: ExitStatus { .badConfiguration }
}
