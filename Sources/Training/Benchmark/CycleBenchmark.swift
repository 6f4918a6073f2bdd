import Diffusion
import Distillation
import Glibc
package import Kernels
import Layers
import Tensors

/// Times training cycles (ratio critic updates and one student update) of one process on random images.
package struct CycleBenchmark: Sendable {
    /// The project's standard case: 8.0 million weights a network, 32x32 colour images, 32 at a time, the paper's ratio,
    /// noise levels and GAN weights.
    package static var standard: RunConfiguration {
        var configuration = RunConfiguration(name: "bench")
        configuration.data.source = .file(path: "not read")
        configuration.network = NetworkConfiguration(
            resolution: 32, imageChannels: 3, classes: 10, channels: 64, channelMultipliers: [1, 2, 2], blocks: 2,
            attentionResolutions: [16, 8])
        configuration.distil.batch = 32
        configuration.distil.shards = 1
        configuration.distil.ratio = 5
        configuration.distil.studentSigma = 80
        configuration.distil.headGroups = 32
        (configuration.distil.minIndex, configuration.distil.maxIndex) = (20, 980)
        (configuration.distil.ganWeight, configuration.distil.criticGanWeight) = (3e-3, 1e-2)
        configuration.launch.ranks = 1
        configuration.launch.threadsPerRank = 2
        return configuration
    }

    /// What was measured.
    package struct Measurement: Sendable {
        /// The median over the cycles.
        package let secondsPerCycle: Double
        /// The most memory the process ever held, MiB.
        package let peakResidentMebibytes: Int
        /// Weights of one network.
        package let parameters: Int
        /// The critic's loss at the last step, head included.
        package let lastCriticLoss: Double
        /// Floating-point operations of a cycle, by `CycleArithmetic`.
        package let operationsPerCycle: Double
        /// The machine's peaks: the better of a measurement before the cycles and one after them.
        package let peak: MachinePeak
        /// Mean seconds of a cycle in each kind of operation.
        package let secondsByOperation: [OperationProfile.Kind: Double]
        /// Mean seconds of a cycle in none of them: losses, draws, the tape.
        package let secondsInTheRest: Double
    }

    private let configuration: RunConfiguration
    private let cycles: Int
    private let warmup: Int

    /// - Parameters:
    ///   - configuration: network, batch, ratio and threads are read; shards and ranks are not, it is one process.
    ///   - cycles: the cycles to time.
    ///   - warmup: the cycles before them, which make primitives and fill the memory pool.
    package init(_ configuration: RunConfiguration, cycles: Int, warmup: Int = 1) {
        (self.configuration, self.cycles, self.warmup) = (configuration, cycles, warmup)
    }

    /// Runs the cycles.
    package func run() -> Measurement {
        ThreadPool.configure(threadCount: configuration.launch.threadsPerRank)
        let seed = configuration.run.seed
        let (settings, precision) = (configuration.distil, configuration.precision)
        let denoiser = Denoiser(configuration.network)
        let critic = CriticNetwork(denoiser, headGroups: settings.headGroups)
        let teacher = NetworkWeights(denoiser.layout, precision: precision.teacher, seed: seed)
        let networks = DistillationStep.Networks(
            teacher: teacher, student: teacher.copied(precision: precision.student),
            critic: critic.weights(from: teacher, precision: precision.critic, seed: seed))
        let step = DistillationStep(
            critic, studentSigma: Float(settings.studentSigma), studentGANWeight: Float(settings.ganWeight),
            criticGANWeight: Float(settings.criticGanWeight))
        var cycle = Cycle(
            step: step, networks: networks, settings: settings, shape: denoiser.shape(settings.batch),
            classes: configuration.network.classes)
        func runCycle() {
            for turn in 0..<settings.ratio { cycle.runStep(updatesStudent: turn == 0, seed: seed) }
        }
        let peakBefore = MachinePeak.measure()
        for _ in 0..<warmup { runCycle() }
        var seconds: [Double] = []
        let profile = OperationProfile.record {
            for _ in 0..<cycles {
                let start = monotonicSeconds()
                runCycle()
                seconds.append(monotonicSeconds() - start)
            }
        }
        let residentMebibytes = Self.peakResidentMebibytes()
        let arithmetic = CycleArithmetic(configuration.network, critic: critic.layout)
        let perCycle = profile.mapValues { $0 / Double(cycles) }
        let mean = seconds.reduce(0, +) / Double(cycles)
        return Measurement(
            secondsPerCycle: median(seconds), peakResidentMebibytes: residentMebibytes,
            parameters: denoiser.layout.parameterCount, lastCriticLoss: cycle.lastCriticLoss,
            operationsPerCycle: arithmetic.cycle(
                batch: settings.batch, ratio: settings.ratio, studentGAN: settings.ganWeight > 0,
                criticGAN: settings.criticGanWeight > 0),
            peak: peakBefore.merged(with: .measure()), secondsByOperation: perCycle,
            secondsInTheRest: mean - perCycle.values.reduce(0, +))
    }

    private static func peakResidentMebibytes() -> Int {
        var usage = rusage()
        getrusage(__rusage_who_t(RUSAGE_SELF.rawValue), &usage)
        return usage.ru_maxrss / 1024
    }
}

/// The state of the timed training.
private struct Cycle {
    private let step: DistillationStep
    private let networks: DistillationStep.Networks
    private let settings: DistillationConfiguration
    private let shape: Shape
    private let classes: Int
    private let student: NetworkOptimizer
    private let critic: NetworkOptimizer
    private let studentGradient: Tensor
    private let criticGradient: Tensor
    private var stepIndex = 0
    private(set) var lastCriticLoss = 0.0

    init(
        step: DistillationStep, networks: DistillationStep.Networks, settings: DistillationConfiguration,
        shape: Shape, classes: Int
    ) {
        (self.step, self.networks, self.settings) = (step, networks, settings)
        (self.shape, self.classes) = (shape, classes)
        student = NetworkOptimizer(networks.student, AdamWConfiguration(), keepsAverage: false)
        critic = NetworkOptimizer(networks.critic, AdamWConfiguration(), keepsAverage: false)
        studentGradient = Tensor(repeating: 0, networks.student.values.shape)
        criticGradient = Tensor(repeating: 0, networks.critic.values.shape)
    }

    mutating func runStep(updatesStudent: Bool, seed: UInt64) {
        let real = RandomStream(seed: seed, purpose: .dataOrder).normal(shape, step: stepIndex, firstSample: 0)
        let draws = DistillationDraws(
            settings, imageShape: shape, classes: classes, seed: seed, step: stepIndex, firstSample: 0,
            realImages: real, realLabels: (0..<shape[0]).map { $0 % classes }, updatesStudent: updatesStudent)
        let images: Tensor
        if updatesStudent {
            images = step.studentGradient(draws, networks, gradient: studentGradient).images
            Self.update(student, studentGradient)
        } else {
            images = step.images(draws, networks)
        }
        let result = step.criticGradient(draws, images: images, networks, gradient: criticGradient)
        lastCriticLoss = Double(result.denoisingLoss) + settings.criticGanWeight * Double(result.adversarialLoss ?? 0)
        Self.update(critic, criticGradient)
        stepIndex += 1
    }

    private static func update(_ optimizer: NetworkOptimizer, _ gradient: Tensor) {
        _ = optimizer.update(gradient: gradient.pointer, scale: 1, learningRate: 2e-6, averageKeep: 0)
        gradient.pointer.update(repeating: 0, count: gradient.count)
    }
}
