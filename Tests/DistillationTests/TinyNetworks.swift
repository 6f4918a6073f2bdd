import Diffusion
import Distillation
import Kernels
import Layers
import Tensors

/// A small teacher, student and critic with random weights, and one batch of draws for them.
struct TinyNetworks {
    /// The head normalises 32 groups: with two channels in each its output would be a sign, of no useful slope.
    static let configuration = NetworkConfiguration(channels: 32)
    static let batch = 4
    static let classes = 10
    static let studentGANWeight: Float = 0.1
    static let criticGANWeight: Float = 0.2

    let step: DistillationStep
    let networks: DistillationStep.Networks
    let draws: DistillationDraws

    /// Three networks that differ, and the draws of a step; with `updatesStudent` false they are a critic-only step's.
    init(
        _ configuration: DistillationConfiguration = Self.oneStep, step index: Int = 7, updatesStudent: Bool = true
    ) {
        // The suites run side by side: one core each.
        ThreadPool.configure(threadCount: 1)
        let critic = CriticNetwork(Denoiser(Self.configuration))
        step = DistillationStep(
            critic, studentSigmas: configuration.studentSigmas.map { Float($0) },
            teacherGuidance: Float(configuration.teacherGuidance),
            studentGANWeight: Self.studentGANWeight, criticGANWeight: Self.criticGANWeight)
        networks = DistillationStep.Networks(
            teacher: Self.weights(critic.denoiser.layout, seed: 1),
            student: Self.weights(critic.denoiser.layout, seed: 2), critic: Self.weights(critic.layout, seed: 3))
        draws = Self.draws(
            configuration, step: index, samples: 0..<Self.batch, updatesStudent: updatesStudent)
    }

    /// A one-step student.
    static var oneStep: DistillationConfiguration {
        var configuration = DistillationConfiguration()
        configuration.studentSigmas = [5]
        return configuration
    }

    /// The draws of some samples of a step.
    static func draws(
        _ configuration: DistillationConfiguration = Self.oneStep, step: Int = 7, samples: Range<Int>,
        updatesStudent: Bool = true
    ) -> DistillationDraws {
        let shape = Denoiser(Self.configuration).shape(samples.count)
        let realImages = RandomStream(seed: 4, purpose: .teacherNoise).normal(
            shape, step: 0, firstSample: samples.lowerBound)
        return DistillationDraws(
            configuration, imageShape: shape, classes: classes, seed: 5, step: step,
            firstSample: samples.lowerBound, realImages: realImages, realLabels: samples.map { $0 % classes },
            updatesStudent: updatesStudent)
    }

    /// Starting weights, moved: some layers start at zero, and through them no gradient would be seen.
    private static func weights(_ layout: ParameterLayout, seed: UInt64) -> NetworkWeights {
        let weights = NetworkWeights(layout, seed: seed)
        let stream = RandomStream(seed: seed, purpose: .evaluationNoise)
        weights.update { values in
            let noise = stream.normal(Shape(1, values.count), step: 0, firstSample: 0)
            let (target, source) = (values.buffer, noise.buffer)
            for entry in layout.entries {
                for index in entry.offset..<entry.offset + entry.count { target[index] += 0.05 * source[index] }
            }
        }
        return weights
    }
}
