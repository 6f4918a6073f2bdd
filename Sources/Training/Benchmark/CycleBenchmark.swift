package import Communication
import Diffusion
import Distillation
import Glibc
package import Kernels
import Layers
import Tensors

/// Times training cycles (ratio critic updates and one student update) on random images, in one process or between the
/// ranks of a communicator.
package struct CycleBenchmark {
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
        configuration.distil.studentSigmas = [80]
        configuration.distil.headGroups = 32
        (configuration.distil.minIndex, configuration.distil.maxIndex) = (20, 980)
        (configuration.distil.ganWeight, configuration.distil.criticGanWeight) = (3e-3, 1e-2)
        configuration.launch.ranks = 1
        configuration.launch.threadsPerRank = 2
        return configuration
    }

    /// What was measured.
    package struct Measurement: Sendable {
        /// The processes that shared each batch, and the parts it was cut into.
        package let ranks: Int, shards: Int
        /// The median over the cycles of the slowest rank.
        package let secondsPerCycle: Double
        /// The most memory that one of the processes ever held, MiB.
        package let peakResidentMebibytes: Int
        /// Weights of one network.
        package let parameters: Int
        /// The critic's loss at the last step, head included.
        package let lastCriticLoss: Double
        /// Floating-point operations of a cycle, by `CycleArithmetic`.
        package let operationsPerCycle: Double
        /// The machine's peaks: the better of a measurement before the cycles and one after them.
        package let peak: MachinePeak
        /// Mean seconds of a cycle of rank 0 in each kind of operation.
        package let secondsByOperation: [OperationProfile.Kind: Double]
        /// Mean seconds of a cycle of rank 0 in the sum over all shards, waiting for the other ranks included.
        package let secondsInReduction: Double
        /// Mean seconds of a cycle of rank 0 in none of them: losses, draws, the tape.
        package let secondsInTheRest: Double
    }

    private let configuration: RunConfiguration
    private let cycles: Int
    private let warmup: Int
    private let communicator: any Communicator
    private let shards: Int

    /// - Parameters:
    ///   - configuration: network, batch, ratio, threads and kind of reduction are read.
    ///   - cycles: the cycles to time.
    ///   - warmup: the cycles before them, which make primitives and fill the memory pool.
    ///   - communicator: the ranks that share each batch; by default this process alone.
    ///   - shards: the parts of a batch, each computed alone: a power of two that divides the batch, at least one a rank.
    package init(
        _ configuration: RunConfiguration, cycles: Int, warmup: Int = 1,
        communicator: any Communicator = SelfCommunicator(), shards: Int = 1
    ) {
        precondition(
            configuration.distil.batch.isMultiple(of: shards),
            "CycleBenchmark: \(shards) shards of a batch of \(configuration.distil.batch)")
        (self.configuration, self.cycles, self.warmup) = (configuration, cycles, warmup)
        (self.communicator, self.shards) = (communicator, shards)
    }

    /// Runs the cycles. Collective; the measurement is returned on rank 0.
    package func run() throws -> Measurement? {
        ThreadPool.configure(threadCount: configuration.launch.threadsPerRank)
        let seed = configuration.run.seed
        let (settings, precision) = (configuration.distil, configuration.precision.onThisProcessor)
        let denoiser = Denoiser(configuration.network)
        let step = DistillationStep(denoiser, settings)
        let critic = step.critic
        let teacher = NetworkWeights(denoiser.layout, precision: precision.teacher, seed: seed)
        let networks = DistillationStep.Networks(
            teacher: teacher, student: teacher.copied(precision: precision.student),
            critic: critic.weights(from: teacher, precision: precision.critic, seed: seed))
        let cycle = Cycle(
            step: step, networks: networks, settings: settings, shape: denoiser.shape(settings.batch / shards),
            classes: configuration.network.classes, shards: shards
        ) { [communicator, shards, reduction = configuration.launch.reduction] count in
            reduction.makeReduction(communicator: communicator, shardCount: shards, elementCount: count)
        }
        func runCycle() throws {
            for turn in 0..<settings.ratio.typical { try cycle.runStep(updatesStudent: turn == 0, seed: seed) }
        }
        let peakBefore = MachinePeak.measure()
        for _ in 0..<warmup { try runCycle() }
        cycle.secondsInReduction = 0
        var seconds: [Double] = []
        func runCycles() throws {
            for _ in 0..<cycles {
                try communicator.barrier()
                let start = monotonicSeconds()
                try runCycle()
                seconds.append(monotonicSeconds() - start)
            }
        }
        // One rank's profile is shown, and ranks that are threads of one process could not record at once.
        var profile: [OperationProfile.Kind: Double] = [:]
        if communicator.rank == 0 { profile = try OperationProfile.record(runCycles) } else { try runCycles() }
        let resident = Self.peakResidentMebibytes()
        let mean = seconds.reduce(0, +) / Double(cycles)
        let reports = try communicator.gather(values: [Double(resident)] + seconds)
        guard communicator.rank == 0 else { return nil }
        let slowest = (1...cycles).map { number in reports.map { $0[number] }.max() ?? 0 }
        let perCycle = profile.mapValues { $0 / Double(cycles) }
        let inReduction = cycle.secondsInReduction / Double(cycles)
        return Measurement(
            ranks: communicator.size, shards: shards, secondsPerCycle: median(slowest),
            peakResidentMebibytes: Int(reports.map { $0[0] }.max() ?? 0),
            parameters: denoiser.layout.parameterCount, lastCriticLoss: cycle.lastCriticLoss,
            operationsPerCycle: CycleArithmetic(configuration.network, critic: critic.layout).cycle(
                batch: settings.batch, ratio: settings.ratio.typical, rolloutCalls: settings.meanRolloutCalls,
                matches: settings.matchingWeight > 0, usesGAN: settings.usesGAN),
            peak: peakBefore.merged(with: .measure()), secondsByOperation: perCycle, secondsInReduction: inReduction,
            secondsInTheRest: mean - inReduction - perCycle.values.reduce(0, +))
    }

    private static func peakResidentMebibytes() -> Int {
        var usage = rusage()
        getrusage(__rusage_who_t(RUSAGE_SELF.rawValue), &usage)
        return usage.ru_maxrss / 1024
    }
}

/// The state of the timed training.
private final class Cycle {
    private let step: DistillationStep
    private let networks: DistillationStep.Networks
    private let settings: DistillationConfiguration
    /// Of the images of one shard.
    private let shape: Shape
    private let classes: Int
    private let shards: Int
    private let student: NetworkOptimizer
    private let critic: NetworkOptimizer
    private let studentReduction: any GradientReduction
    private let criticReduction: any GradientReduction
    private var stepIndex = 0
    private(set) var lastCriticLoss = 0.0
    /// Time in the sums over all shards so far.
    var secondsInReduction = 0.0

    private struct Turn {
        let draws: DistillationDraws
        let images: Tensor
    }

    init(
        step: DistillationStep, networks: DistillationStep.Networks, settings: DistillationConfiguration,
        shape: Shape, classes: Int, shards: Int, makeReduction: (Int) -> any GradientReduction
    ) {
        (self.step, self.networks, self.settings) = (step, networks, settings)
        (self.shape, self.classes, self.shards) = (shape, classes, shards)
        student = NetworkOptimizer(networks.student, AdamWConfiguration(), keepsAverage: false)
        critic = NetworkOptimizer(networks.critic, AdamWConfiguration(), keepsAverage: false)
        studentReduction = makeReduction(networks.student.layout.elementCount)
        // The critic's loss rides behind its gradient.
        criticReduction = makeReduction(networks.critic.layout.elementCount + 1)
    }

    func runStep(updatesStudent: Bool, seed: UInt64) throws {
        var turns: [Int: Turn] = [:]
        if updatesStudent {
            for shard in studentReduction.ownedShards {
                let draws = draws(shard, seed: seed, updatesStudent: true)
                turns[shard] = studentReduction.withLeaf(shard) { leaf in
                    Turn(
                        draws: draws, images: step.studentGradient(draws, networks, gradient: Self.tensor(leaf)).images)
                }
            }
            _ = try update(student, studentReduction)
        }
        let lossIndex = networks.critic.layout.elementCount
        for shard in criticReduction.ownedShards {
            let turn = turns[shard] ?? criticOnlyTurn(shard, seed: seed)
            criticReduction.withLeaf(shard) { leaf in
                let result = step.criticGradient(
                    turn.draws, images: turn.images, networks, gradient: Self.tensor(leaf))
                leaf[lossIndex] =
                    (result.denoisingLoss ?? 0) + Float(settings.criticGanWeight) * (result.adversarialLoss ?? 0)
            }
        }
        lastCriticLoss = Double(try update(critic, criticReduction)[lossIndex]) / Double(shards)
        stepIndex += 1
    }

    private func criticOnlyTurn(_ shard: Int, seed: UInt64) -> Turn {
        let draws = draws(shard, seed: seed, updatesStudent: false)
        return Turn(draws: draws, images: step.images(draws, networks))
    }

    private func draws(_ shard: Int, seed: UInt64, updatesStudent: Bool) -> DistillationDraws {
        let firstSample = shard * shape[0]
        let real = RandomStream(seed: seed, purpose: .dataOrder)
            .normal(shape, step: stepIndex, firstSample: firstSample)
        return DistillationDraws(
            settings, imageShape: shape, classes: classes, seed: seed, step: stepIndex, firstSample: firstSample,
            realImages: real, realLabels: (0..<shape[0]).map { (firstSample + $0) % classes },
            updatesStudent: updatesStudent)
    }

    private func update(
        _ optimizer: NetworkOptimizer, _ reduction: any GradientReduction
    ) throws -> UnsafeMutableBufferPointer<Float> {
        let start = monotonicSeconds()
        let sum = try reduction.finish()
        secondsInReduction += monotonicSeconds() - start
        if let gradient = sum.baseAddress {
            _ = optimizer.update(gradient: gradient, scale: 1 / Float(shards), learningRate: 2e-6, averageKeep: 0)
        }
        return sum
    }

    /// A flat gradient in the memory of a leaf.
    private static func tensor(_ leaf: UnsafeMutableBufferPointer<Float>) -> Tensor {
        guard let start = leaf.baseAddress else { preconditionFailure("CycleBenchmark: a network without weights") }
        return Tensor(Storage(borrowing: start, capacity: leaf.count), offset: 0, shape: Shape(leaf.count))
    }
}
