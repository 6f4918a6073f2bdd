package import Coordination
package import Diffusion
package import Distillation
package import Layers
package import Tensors

/// Distils the teacher into the student by DMD2: the student on its turns, the critic and its head on every step.
package final class DistillationStage: TrainingStage {
    package let name = "distil"
    package let goal: StageDeclaration.Goal
    package let shards: Int
    package let batch: Int
    package let checkpointInterval: Int
    package let epochSamples: Int
    package let networks: [TrainedNetwork]

    private static let student = 0
    private static let critic = 1
    /// What a student update measures besides its losses.
    private let observed: [StudentMetric]

    private let configuration: DistillationConfiguration
    private let step: DistillationStep
    private let weights: DistillationStep.Networks
    private let images: TrainingImages
    private let classes: Int
    private let seed: UInt64
    private let regression: Regression?
    private let evaluated: EvaluationConfiguration.StudentWeights

    /// The regression loss's targets, and how far from them an image is.
    package struct Regression {
        package let pairs: TeacherPairs
        package let distance: ImageDistance

        package init(pairs: TeacherPairs, distance: @escaping ImageDistance) {
            (self.pairs, self.distance) = (pairs, distance)
        }
    }

    private struct Turn {
        let draws: DistillationDraws
        var images: Tensor
    }
    /// The draws and the student's images of this step's student turn, by shard, for the critic's turn.
    private var turns: [Int: Turn] = [:]

    /// Student and critic start from `trained`, the weights of the teacher's network; `teacher` is what the student is to
    /// match, that network unless told otherwise.
    package init(
        _ configuration: DistillationConfiguration, denoiser: Denoiser, trained: NetworkWeights,
        teacher: Teacher? = nil, precision: PrecisionConfiguration = .init(), classes: Int, images: TrainingImages,
        regression: Regression? = nil, evaluated: EvaluationConfiguration.StudentWeights = .average, seed: UInt64
    ) {
        self.configuration = configuration
        self.evaluated = evaluated
        self.regression = regression
        self.images = images
        self.classes = classes
        self.seed = seed
        goal = .studentUpdates(
            count: configuration.studentUpdates, ratio: configuration.ratio.first,
            criticWarmup: configuration.criticWarmupUpdates,
            control: configuration.ratio == .automatic ? RatioControl(batch: configuration.batch) : nil)
        (shards, batch) = (configuration.shards, configuration.batch)
        epochSamples = images.count
        checkpointInterval = configuration.checkpointEverySteps
        let teacher = teacher ?? Teacher(denoiser: denoiser, weights: trained)
        step = DistillationStep(denoiser, teacher: teacher.denoiser, configuration)
        weights = .init(
            teacher: teacher.weights, student: trained.copied(precision: precision.student),
            critic: step.critic.weights(from: trained, precision: precision.critic, seed: seed))
        var optimizer = AdamWConfiguration()
        optimizer.beta1 = Float(configuration.beta1)
        optimizer.beta2 = Float(configuration.beta2)
        optimizer.weightDecay = Float(configuration.weightDecay)
        optimizer.maxGradientNorm = Float(configuration.maxGradientNorm)
        func schedule(_ peak: Double, updates: Int, decayFraction: Double) -> LearningRateSchedule {
            LearningRateSchedule(
                peak: Float(peak), warmupUpdates: configuration.warmupUpdates, totalUpdates: updates,
                decayFraction: Float(decayFraction))
        }
        observed =
            [.brightness, .dataBrightness, .brightnessSquare, .contrast, .dataContrast]
            + (configuration.matchingWeight > 0 ? [.criticError, .teacherError, .matchingGradient] : [])
            + (configuration.usesGAN ? [.ganGradient] : [])
        let student = NetworkOptimizer(weights.student, optimizer, keepsAverage: true)
        // How often the critic will be updated is not known where the ratio is found on the way.
        let criticPace = configuration.ratio == .automatic ? student : nil
        networks = [
            TrainedNetwork(
                name: "student", optimizer: student,
                learningRate: schedule(
                    configuration.studentLearningRate, updates: configuration.studentUpdates,
                    decayFraction: configuration.decayFraction),
                averageKeep: Float(configuration.emaDecay),
                furtherAverages: configuration.emaFurtherDecays.map { MovingAverage(of: student.weights, decay: $0) },
                metricNames: ["loss.matching", "loss.gan"] + (regression == nil ? [] : ["loss.regression"])
                    + observed.map(\.rawValue)),
            TrainedNetwork(
                name: "critic", optimizer: NetworkOptimizer(weights.critic, optimizer, keepsAverage: false),
                learningRate: schedule(
                    configuration.criticLearningRate,
                    updates: criticPace == nil ? configuration.steps : configuration.studentUpdates,
                    decayFraction: configuration.criticDecayFraction),
                decayPace: criticPace, averageKeep: 0,
                metricNames: ["loss.denoising"]
                    + (configuration.usesGAN ? ["loss.head", "logit.real", "logit.generated"] : [])),
        ]
    }

    /// The student's updates so far.
    var studentUpdates: Int { networks[Self.student].optimizer.updateCount }

    /// The network that is the run's result: the set of the student's weights that is evaluated.
    ///
    /// Traps: if no average has that decay.
    package var result: NetworkWeights {
        let student = networks[Self.student]
        switch evaluated {
        case .average: return student.averagedWeights
        case .raw: return student.optimizer.weights
        case .furtherAverage(let decay):
            guard let average = student.furtherAverages.first(where: { $0.decay == decay }) else {
                preconditionFailure("DistillationStage: no average of decay \(decay)")
            }
            return average.weights
        }
    }

    package func updates(of kind: StepKind) -> [Int] {
        kind == .criticAndStudent ? [Self.student, Self.critic] : [Self.critic]
    }

    package func accumulate(
        network: Int, step index: Int, kind: StepKind, shard: Int, gradient: Tensor,
        metrics: UnsafeMutablePointer<Float>
    ) {
        if network == Self.student {
            let draws = draw(step: index, shard: shard, kind)
            let result = step.studentGradient(draws, weights, gradient: gradient)
            turns[shard] = Turn(draws: draws, images: result.images)
            metrics[0] = result.matching?.loss ?? 0
            metrics[1] = result.adversarialLoss ?? 0
            if let regression {
                metrics[2] = step.regressionGradient(
                    regression.pairs.draw(shardBatch, seed: seed, step: index, firstSample: shard * shardBatch),
                    weights.student,
                    weight: Float(configuration.regressionWeight), distance: regression.distance, gradient: gradient)
            }
            let real = ImageStatistics(draws.realImages)
            let first = regression == nil ? 2 : 3
            for (offset, metric) in observed.enumerated() {
                metrics[first + offset] = metric.value(result.observation, real: real)
            }
        } else {
            let turn = turns[shard] ?? criticOnlyTurn(step: index, shard: shard)
            let result = step.criticGradient(turn.draws, images: turn.images, weights, gradient: gradient)
            metrics[0] = result.denoisingLoss ?? 0
            if let loss = result.adversarialLoss, let real = result.realLogit, let generated = result.generatedLogit {
                (metrics[1], metrics[2], metrics[3]) = (loss, real, generated)
            }
        }
    }

    package func endStep() { turns.removeAll(keepingCapacity: true) }

    /// The student's images, by the weights that are evaluated.
    package func samples(labels: [Int], noise: (Int) -> Tensor) -> Tensor? {
        step.sampler.sample(result, labels: labels, inBatchesOf: shardBatch, noise: noise)
    }

    /// How the student samples.
    package var sampler: StudentSampler { step.sampler }

    private func criticOnlyTurn(step index: Int, shard: Int) -> Turn {
        let draws = draw(step: index, shard: shard, .criticOnly)
        return Turn(draws: draws, images: step.images(draws, weights))
    }

    private func draw(step index: Int, shard: Int, _ kind: StepKind) -> DistillationDraws {
        let firstSample = shard * shardBatch
        let (real, labels) = images.batch(first: index * batch + firstSample, count: shardBatch)
        return DistillationDraws(
            configuration, imageShape: real.shape, classes: classes, seed: seed, step: index,
            firstSample: firstSample, realImages: real, realLabels: labels,
            updatesStudent: kind == .criticAndStudent)
    }
}

extension StudentMetric {
    /// The metric's value at a student update, beside as many real images; NaN for one that it does not measure.
    fileprivate func value(_ observation: StudentObservation, real: ImageStatistics) -> Float {
        switch self {
        case .brightness: observation.images.brightness
        case .dataBrightness: real.brightness
        case .brightnessSquare: observation.images.brightnessSquare
        case .contrast: observation.images.contrast
        case .dataContrast: real.contrast
        case .criticError: observation.matching?.criticError ?? .nan
        case .teacherError: observation.matching?.teacherError ?? .nan
        case .matchingGradient: observation.matching?.gradient ?? .nan
        case .ganGradient: observation.ganGradient ?? .nan
        case .headLoss, .realLogit, .generatedLogit: .nan
        }
    }
}
