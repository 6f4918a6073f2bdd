import Communication
package import Coordination
import Diffusion
import Distillation
import Glibc

/// Finds the GAN weight at which the GAN's gradient at the student's images has a given share of the matching gradient.
///
/// A weight is tried by beginning the very distillation that a run with it would begin, in memory and on one process, and
/// reading what `dmd2 status` would read there: ``GradientRatio``, over student updates after the learning rates' warm-up.
/// The gradient is in proportion to the weight only while the weight changes nothing else. It does: a student that heeds
/// the head gives it less to object to. So the weight that a round proposes is tried in the next. Nothing is written.
///
/// A regression loss is left out, and an automatic ratio is reckoned as the paper's: neither is known beforehand.
package struct GanWeightCalibration {
    /// What was measured at one weight; the keys are those of the JSON.
    package struct Round: Encodable, Sendable, Equatable {
        package let gan_weight: Double
        /// (mean norm of the GAN's gradient at an image, with this weight) / (mean norm of the matching gradient).
        package let gradient_ratio: Double
        /// These L2 norms, each of the loss of an image alone.
        package let matching_gradient: Double
        package let gan_gradient: Double
    }

    /// What was found; the keys are those of the JSON.
    package struct Result: Encodable, Sendable, Equatable {
        /// The share that was asked for, the weight proposed, and the share measured there.
        package let fraction: Double
        package let gan_weight: Double
        package let gradient_ratio: Double
        /// Whether that share is as close to the one asked for as chance lets be told.
        package let reached: Bool
        /// The configured weight, and the share measured there; nil where it is 0.
        package let configured_gan_weight: Double
        package let configured_gradient_ratio: Double?
        /// Every weight that was tried, in order.
        package let rounds: [Round]
        /// The student updates that were measured in each round, counted from 1, and the steps of a round.
        package let first_student_update: Int
        package let last_student_update: Int
        package let steps: Int
        /// The updates behind the teacher; nil for one from a file.
        package let teacher_steps: Int?

        private enum CodingKeys: String, CodingKey {
            case fraction, gan_weight, gradient_ratio, reached, configured_gan_weight, configured_gradient_ratio
            case rounds, first_student_update, last_student_update, steps, teacher_steps
        }

        // What is unknown is written as null: scripts find every key.
        package func encode(to encoder: any Encoder) throws {
            var container = encoder.container(keyedBy: CodingKeys.self)
            try container.encode(fraction, forKey: .fraction)
            try container.encode(gan_weight, forKey: .gan_weight)
            try container.encode(gradient_ratio, forKey: .gradient_ratio)
            try container.encode(reached, forKey: .reached)
            try container.encode(configured_gan_weight, forKey: .configured_gan_weight)
            try container.encode(configured_gradient_ratio, forKey: .configured_gradient_ratio)
            try container.encode(rounds, forKey: .rounds)
            try container.encode(first_student_update, forKey: .first_student_update)
            try container.encode(last_student_update, forKey: .last_student_update)
            try container.encode(steps, forKey: .steps)
            try container.encode(teacher_steps, forKey: .teacher_steps)
        }
    }

    /// How far it has come.
    package struct Progress: Sendable, Equatable {
        /// The round, from 1, of at most so many, and the weight it tries.
        package let round: Int, mostRounds: Int
        package let weight: Double
        /// The steps of the round that are done, and all of them.
        package let step: Int, steps: Int
    }

    /// The rounds after which the closest weight so far must do.
    package static let mostRounds = 4
    /// Shares this far apart, as a factor, are the same: the norms of twenty updates vary by about a tenth in their mean.
    static let tolerance = 1.2
    /// Where trying begins if the configured weight is 0.
    package static let firstWeight = 0.01

    private let configuration: RunConfiguration
    private let fraction: Double
    private let schedule: RatioSchedule
    /// The student updates that are measured, counted from 0.
    private let measured: Range<Int>

    /// A calibration for a configuration: so many student updates are measured after the warm-up, as far as the run has them.
    package init(_ configuration: RunConfiguration, fraction: Double, updates: Int = 20) {
        precondition(fraction > 0 && updates >= 1, "GanWeightCalibration: \(fraction), \(updates) updates")
        (self.configuration, self.fraction) = (configuration, fraction)
        let settings = configuration.distil
        schedule = RatioSchedule(ratio: settings.ratio.typical, firstStudentStep: settings.criticWarmupUpdates)
        // The first update's matching gradient is 0: its critic is the teacher.
        let end = min(max(settings.warmupUpdates, 1) + updates, settings.studentUpdates)
        measured = max(end - updates, 0)..<end
    }

    /// Runs it. Throws: `CalibrationImpossible` if one of the losses is off, and what reading data and teacher throws.
    package func run(_ report: (Progress) -> Void = { _ in }) throws -> Result {
        let settings = configuration.distil
        guard settings.criticGanWeight > 0 else { throw CalibrationImpossible.untrainedHead }
        guard settings.matchingWeight > 0 else { throw CalibrationImpossible.noMatching }
        let seed = settings.seed == 0 ? configuration.run.seed : settings.seed
        let images = TrainingImages(try configuration.data.load(configuration.network), seed: seed)
        let denoiser = Denoiser(configuration.network)
        let teacher = try StoredTeacher(configuration, denoiser: denoiser)

        let steps = schedule.step(ofStudentUpdate: measured.upperBound - 1) + 1
        var rounds: [Round] = []
        var weight = settings.usesGAN ? settings.ganWeight : Self.firstWeight
        while true {
            var tried = settings
            tried.ganWeight = weight
            let stage = DistillationStage(
                tried, denoiser: denoiser, trained: teacher.weights,
                teacher: settings.teacher == .closedForm ? .closedForm(like: denoiser) : nil,
                precision: configuration.precision.onThisProcessor, classes: configuration.network.classes,
                images: images, seed: seed)
            let number = rounds.count + 1
            let round = try measure(stage, weight: weight, steps: steps) { step in
                report(
                    Progress(
                        round: number, mostRounds: Self.mostRounds, weight: weight, step: step, steps: steps))
            }
            rounds.append(round)
            weight = Self.rounded(weight * fraction / round.gradient_ratio)
            let wasTried = rounds.contains { $0.gan_weight == weight }
            if isReached(by: round) || wasTried || rounds.count == Self.mostRounds { break }
        }
        return result(rounds, steps: steps, teacher)
    }

    /// The beginning of a distillation, and the gradients over the measured updates.
    private func measure(
        _ stage: DistillationStage, weight: Double, steps: Int, _ report: (_ step: Int) -> Void
    ) throws -> Round {
        let training = StageSteps(stage, configuration.launch.reduction, SelfCommunicator())
        var history = StudentHistory()
        for step in 0..<steps {
            for (name, value) in try training.take(step, schedule.kind(of: step)) {
                history.add(MetricRow(stage: stage.name, step: step, name: name, value: value))
            }
            report(step + 1)
        }
        let updates = history.lastSteps(measured.count, having: [.matchingGradient, .ganGradient])
            .compactMap { history[step: $0] }
        func mean(_ metric: StudentMetric) -> Double {
            updates.compactMap { $0[metric] }.reduce(0, +) / Double(updates.count)
        }
        let (matching, gan) = (mean(.matchingGradient), mean(.ganGradient))
        guard let ratio = GradientRatio.of(updates), ratio > 0, ratio.isFinite else {
            throw CalibrationImpossible.noGradient(matching: matching, gan: gan, weight: weight)
        }
        return Round(gan_weight: weight, gradient_ratio: ratio, matching_gradient: matching, gan_gradient: gan)
    }

    private func result(_ rounds: [Round], steps: Int, _ teacher: StoredTeacher) -> Result {
        let best = rounds.min { distance($0) < distance($1) } ?? rounds[0]
        let configured = configuration.distil.ganWeight
        return Result(
            fraction: fraction, gan_weight: best.gan_weight, gradient_ratio: best.gradient_ratio,
            reached: isReached(by: best), configured_gan_weight: configured,
            configured_gradient_ratio: rounds.first { $0.gan_weight == configured }?.gradient_ratio, rounds: rounds,
            first_student_update: measured.lowerBound + 1, last_student_update: measured.upperBound, steps: steps,
            teacher_steps: teacher.step)
    }

    private func isReached(by round: Round) -> Bool { distance(round) <= log(Self.tolerance) }

    private func distance(_ round: Round) -> Double { abs(log(round.gradient_ratio / fraction)) }

    /// Two digits, so that the weight a person types is the one that was tried.
    package static func rounded(_ weight: Double) -> Double {
        let unit = pow(10, log10(weight).rounded(.down) - 1)
        // Dividing by a whole power of ten gives the number that its digits are read as.
        return unit >= 1 ? (weight / unit).rounded() * unit : (weight / unit).rounded() / (1 / unit).rounded()
    }
}

/// Why no GAN weight can be proposed.
package enum CalibrationImpossible: Error, Sendable, CustomStringConvertible {
    case untrainedHead
    case noMatching
    case noGradient(matching: Double, gan: Double, weight: Double)

    package var description: String {
        switch self {
        case .untrainedHead:
            "distil.criticGanWeight is 0, so the head is never trained and its gradient means nothing: use 0.01"
        case .noMatching:
            "distil.matchingWeight is 0, so there is no matching gradient to compare with: use 1"
        case .noGradient(let matching, let gan, let weight):
            "the gradients at the image are \(matching) (matching) and \(gan) (GAN at weight \(weight)), which have no "
                + "ratio: try another distil.ganWeight to begin with, or more distil.studentUpdates"
        }
    }

    package var exitStatus: ExitStatus { .badConfiguration }
}
