import Diffusion
import Distillation
import Kernels
import Layers
import Tensors
import Testing

/// The optimal denoiser of N(mean, variance) in each dimension: (v x + s² m) / (v + s²).
private func optimal(_ x: Float, mean: Double, variance: Double, sigma: Float) -> Double {
    let s2 = Double(sigma) * Double(sigma)
    return (variance * Double(x) + s2 * mean) / (variance + s2)
}

@Suite struct ClosedFormTests {
    private static let schedule = KarrasSchedule()
    private static let shape = Shape(64, 1, 1, 2)

    private static func gaussian(_ mean: [Double], _ variance: Double) -> Denoiser {
        ClosedFormBackbone.denoiser(
            of: GaussianMixture([.init(weight: 1, mean: mean, variance: variance)]),
            imageShape: (1, 1, mean.count))
    }

    private static func normal(_ step: Int, purpose: RandomPurpose = .studentNoise) -> Tensor {
        RandomStream(seed: 8, purpose: purpose).normal(shape, step: step, firstSample: 0)
    }

    private static let labels = [Int](repeating: 0, count: 64)
    /// Indices over the range that the loss draws from.
    private static let indices = (0..<64).map { 20 + $0 * 15 }

    private static func denoised(_ denoiser: Denoiser, _ noisy: Variable, _ sigma: [Float]) -> Tensor {
        denoiser(noisy, sigma: sigma, labels: labels, .frozen(NetworkWeights(denoiser.layout))).value
    }

    @Test("The matching gradient with a Gaussian teacher and a Gaussian critic is its closed form")
    func gaussianGradient() {
        let (teacher, critic) = (([0.3, -0.2], 0.09), ([-0.1, 0.4], 0.25))
        let images = scale(Variable(Self.normal(0)), bySample: Self.labels.map { _ in 0.5 })
        let sigma = Self.schedule.sigmas(Self.indices)
        let noisy = noised(images, sigma: sigma, noise: Self.normal(1))
        let (loss, _) = distributionMatchingLoss(
            images: images.value, teacher: Self.denoised(Self.gaussian(teacher.0, teacher.1), noisy, sigma),
            critic: Self.denoised(Self.gaussian(critic.0, critic.1), noisy, sigma))
        for n in 0..<64 {
            let places = [2 * n, 2 * n + 1]
            func expected(_ gaussian: ([Double], Double)) -> [Double] {
                places.enumerated().map { axis, place in
                    optimal(
                        noisy.value.buffer[place], mean: gaussian.0[axis], variance: gaussian.1, sigma: sigma[n])
                }
            }
            let (real, fake) = (expected(teacher), expected(critic))
            let x = places.map { Double(images.value.buffer[$0]) }
            let weight = (abs(x[0] - real[0]) + abs(x[1] - real[1])) / 2
            for axis in 0..<2 {
                let gradient = (fake[axis] - real[axis]) / weight / 128
                // The bound asked for, relative where the division by a small weight makes the gradient large.
                #expect(abs(Double(loss.gradient.buffer[places[axis]]) - gradient) < 1e-4 * max(1, abs(gradient)))
            }
        }
    }

    @Test("In the mean the gradient moves the student's mean from the critic's to the teacher's, and stops when equal")
    func stationary() {
        // All noise levels alike; images that follow the critic, as a converged one has it.
        func meanGradient(criticMean: Double) -> Double {
            var total = 0.0
            for step in 0..<20 {
                let images = blend(
                    Variable(Self.normal(2 * step)), Self.labels.map { _ in 0.3 },
                    Variable(Tensor(repeating: 1, Self.shape)), Self.labels.map { _ in Float(criticMean) })
                let sigma = Self.schedule.sigmas(Self.indices)
                let noisy = noised(images, sigma: sigma, noise: Self.normal(2 * step + 1))
                let (_, direction) = distributionMatchingLoss(
                    images: images.value, teacher: Self.denoised(Self.gaussian([0.2, 0.2], 0.09), noisy, sigma),
                    critic: Self.denoised(Self.gaussian([criticMean, criticMean], 0.09), noisy, sigma))
                total += direction.elements.reduce(0) { $0 + Double($1) }
            }
            return total
        }
        #expect(meanGradient(criticMean: 0.2) == 0)
        #expect(meanGradient(criticMean: 0.5) > 0 && meanGradient(criticMean: -0.1) < 0)
    }

    /// A small network for student and critic, with weights that are not the teacher's.
    private static let network = NetworkConfiguration(
        backbone: .mlp, resolution: 1, imageChannels: 2, classes: 1, channels: 32, channelMultipliers: [1],
        channelMultiplierEmbedding: 1, blocks: 1, attentionResolutions: [])

    private static func draws(step: Int, updatesStudent: Bool) -> DistillationDraws {
        var configuration = DistillationConfiguration()
        (configuration.ganWeight, configuration.criticGanWeight) = (0, 0)
        return DistillationDraws(
            configuration, imageShape: shape, classes: 1, seed: 5, step: step, firstSample: 0, realImages: normal(0),
            realLabels: labels, updatesStudent: updatesStudent)
    }

    @Test("A step with a teacher in closed form takes its denoised images from there")
    func step() throws {
        ThreadPool.configure(threadCount: 1)
        let critic = CriticNetwork(Denoiser(Self.network), headGroups: 8)
        let teacher = Self.gaussian([0.3, -0.2], 0.09)
        let step = DistillationStep(
            critic, teacher: teacher, studentSigmas: [2.5], studentGANWeight: 0, criticGANWeight: 0)
        let student = NetworkWeights(critic.denoiser.layout, seed: 1)
        let networks = DistillationStep.Networks(
            teacher: NetworkWeights(teacher.layout), student: student,
            critic: critic.weights(from: NetworkWeights(critic.denoiser.layout, seed: 2), seed: 3))
        let draws = Self.draws(step: 0, updatesStudent: true)
        let gradient = Tensor(repeating: 0, student.values.shape)
        let result = step.studentGradient(draws, networks, gradient: gradient)
        let matching = try #require(draws.matching)
        let denoised = try #require(result.matching).teacherDenoised
        let sigma = Self.schedule.sigmas(matching.indices)
        let noisy = noised(Variable(result.images), sigma: sigma, noise: matching.noise).value
        for (place, value) in denoised.elements.enumerated() {
            let mean = place.isMultiple(of: 2) ? 0.3 : -0.2
            let expected = optimal(noisy.buffer[place], mean: mean, variance: 0.09, sigma: sigma[place / 2])
            #expect(abs(Double(value) - expected) < 1e-5)
        }
        #expect(gradient.elements.contains { $0 != 0 })
    }

    @Test("A critic trained on a fixed Gaussian student comes within 0.02 of the optimal denoiser at every noise level")
    func trainedCritic() {
        ThreadPool.configure(threadCount: 1)
        let (mean, variance) = (0.3, 0.04)
        let critic = CriticNetwork(Denoiser(Self.network), headGroups: 8)
        let step = DistillationStep(critic, studentSigmas: [2.5], studentGANWeight: 0, criticGANWeight: 0)
        let start = NetworkWeights(critic.denoiser.layout, seed: 1)
        let networks = DistillationStep.Networks(
            teacher: start, student: start, critic: critic.weights(from: start, seed: 2))
        let optimizer = NetworkOptimizer(networks.critic, AdamWConfiguration(), keepsAverage: false)
        let updates = 5000
        let rate = LearningRateSchedule(peak: 5e-3, warmupUpdates: 20, totalUpdates: updates, decayFraction: 1)
        for update in 0..<updates {
            let images = student(Self.normal(update, purpose: .teacherNoise), mean, variance)
            let gradient = Tensor(repeating: 0, networks.critic.values.shape)
            _ = step.criticGradient(
                Self.draws(step: update, updatesStudent: false), images: images, networks, gradient: gradient)
            _ = optimizer.update(
                gradient: gradient.pointer, scale: 1, learningRate: rate.rate(update: update), averageKeep: 0)
        }
        for index in [0, 200, 400, 500, 600, 700, 800, 999] {
            let sigma = Self.labels.map { _ in Self.schedule.sigma(index) }
            let images = student(Self.normal(0, purpose: .evaluationNoise), mean, variance)
            let noisy = noised(Variable(images), sigma: sigma, noise: Self.normal(1, purpose: .evaluationNoise))
            let found = critic.denoiser(noisy, sigma: sigma, labels: Self.labels, .frozen(networks.critic)).value
            var squares = 0.0
            for place in found.buffer.indices {
                let expected = optimal(
                    noisy.value.buffer[place], mean: mean, variance: variance, sigma: sigma[0])
                squares += (Double(found.buffer[place]) - expected) * (Double(found.buffer[place]) - expected)
            }
            // A tenth of the student's deviation of 0.2.
            let error = (squares / Double(found.count)).squareRoot()
            #expect(error < 0.02, "index \(index): \(error)")
        }
    }

    private func student(_ noise: Tensor, _ mean: Double, _ variance: Double) -> Tensor {
        blend(
            Variable(noise), Self.labels.map { _ in Float(variance.squareRoot()) },
            Variable(Tensor(repeating: 1, Self.shape)), Self.labels.map { _ in Float(mean) }
        ).value
    }
}
