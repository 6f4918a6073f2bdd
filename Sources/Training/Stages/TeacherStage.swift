package import Coordination
package import Diffusion
import Glibc
package import Kernels
package import Layers
package import Tensors

/// Trains the teacher as EDM does (Karras et al. 2022, section 5): ln sigma normal, each noise level weighted alike; on
/// other schedules their own levels evenly.
package final class TeacherStage: TrainingStage {
    package let name = "teacher"
    package let goal: StageDeclaration.Goal
    package let shards: Int
    package let batch: Int
    package let checkpointInterval: Int
    package let epochSamples: Int
    package let networks: [TrainedNetwork]

    private let denoiser: Denoiser
    private let images: TrainingImages
    private let configuration: TeacherConfiguration
    private let seed: UInt64

    package init(
        _ configuration: TeacherConfiguration, denoiser: Denoiser, precision: ElementType = .float32,
        images: TrainingImages, seed: UInt64
    ) {
        self.configuration = configuration
        self.denoiser = denoiser
        self.images = images
        self.seed = seed
        goal = .steps(count: configuration.steps)
        (shards, batch) = (configuration.shards, configuration.batch)
        epochSamples = images.count
        checkpointInterval = configuration.checkpointEverySteps
        var optimizer = AdamWConfiguration()
        optimizer.weightDecay = Float(configuration.weightDecay)
        optimizer.maxGradientNorm = Float(configuration.maxGradientNorm)
        networks = [
            TrainedNetwork(
                name: "teacher",
                optimizer: NetworkOptimizer(
                    NetworkWeights(denoiser.layout, precision: precision, seed: seed), optimizer, keepsAverage: true),
                learningRate: LearningRateSchedule(
                    peak: Float(configuration.learningRate), warmupUpdates: configuration.warmupSteps,
                    totalUpdates: configuration.steps, decayFraction: Float(configuration.decayFraction)),
                averageKeep: Float(configuration.emaDecay), metricNames: ["loss"])
        ]
    }

    /// The network that is distilled: the moving average of the weights.
    package var average: NetworkWeights { networks[0].averagedWeights }

    package func updates(of kind: StepKind) -> [Int] { [0] }

    package func accumulate(
        network: Int, step: Int, kind: StepKind, shard: Int, gradient: Tensor, metrics: UnsafeMutablePointer<Float>
    ) {
        let firstSample = shard * shardBatch
        let (clean, labels) = images.batch(first: step * batch + firstSample, count: shardBatch)
        let sigma = drawSigma(step: step, firstSample: firstSample)
        let noise = RandomStream(seed: seed, purpose: .teacherNoise)
            .normal(clean.shape, step: step, firstSample: firstSample)
        let tape = Tape()
        let denoised = denoiser(
            noised(Variable(clean), sigma: sigma, noise: noise), sigma: sigma,
            labels: withDropout(labels, step: step, firstSample: firstSample),
            .tracked(networks[0].optimizer.weights, on: tape, gradient: gradient))
        let loss = weightedSquaredError(
            denoised.value, clean, weights: sigma.map(denoiser.preconditioning.lossWeight))
        tape.backward([(denoised, loss.gradient)])
        metrics[0] = loss.loss
    }

    /// One noise level per image: of `karras`, ln sigma ~ N(mean, deviation²); of the others, each index alike.
    private func drawSigma(step: Int, firstSample: Int) -> [Float] {
        let stream = RandomStream(seed: seed, purpose: .teacherSigma)
        switch denoiser.schedule {
        case .karras:
            let normal = stream.normal(Shape(shardBatch, 1), step: step, firstSample: firstSample)
            return normal.elements.map {
                Float(exp(configuration.logSigmaMean + configuration.logSigmaDeviation * Double($0)))
            }
        case .stableDiffusion, .flow:
            return (0..<shardBatch).map {
                denoiser.schedule.sigma(
                    stream.integer(in: 0...NoiseSchedule.levels - 1, step: step, sample: firstSample + $0))
            }
        }
    }

    /// The labels, each left out with the configured probability.
    private func withDropout(_ labels: [Int], step: Int, firstSample: Int) -> [Int?] {
        let stream = RandomStream(seed: seed, purpose: .teacherLabelDropout)
        return labels.enumerated().map { index, label in
            let u = stream.uniform(step: step, sample: firstSample + index)
            return Double(u) < configuration.labelDropout ? nil : label
        }
    }
}
