import Communication
import Diffusion
import Distillation
import Kernels
import Layers

/// What launches of a configuration at several numbers of ranks will need and how fast they will be.
package struct LaunchForecast: Encodable, Sendable {
    /// One launch.
    package struct Row: Encodable, Sendable {
        package let ranks: Int
        package let nodes: Int
        /// Of the rank that has most.
        package let shards: Int
        package let rank_mebibytes: Int
        /// Of the machine that has most ranks.
        package let node_mebibytes: Int
        package let fits: Bool
        /// False where the ranks of a machine have more threads than it has cores. They wait for each other then, and
        /// the times below, each thread's on a core of its own, are too short.
        package let fits_cores: Bool
        /// A cycle of the distillation: RATIO critic updates and one student update.
        package let cycle_seconds: Double
        /// Its parts: forward and backward passes with the packing of weights, optimisers, sums between ranks.
        package let passes_seconds: Double
        package let update_seconds: Double
        package let reduction_seconds: Double
        /// The time of one rank, by the time of so many ranks and their number.
        package let efficiency: Double
        /// Images that the critic is trained on, a second.
        package let images_per_second: Double
        /// An update of the teacher, in its own training.
        package let teacher_step_seconds: Double
        /// The whole of the distillation and of the teacher's training, checkpoints left out.
        package let distil_hours: Double
        package let teacher_hours: Double
    }

    /// Memory of one rank by network and use, of the launch with fewest ranks.
    package struct Part: Encodable, Sendable {
        package let network: String
        package let use: String
        package let mebibytes: Double
    }

    package let batch: Int
    package let shards: Int
    package let threads: Int
    package let reduction: String
    package let ranks_per_node: Int
    package let node_cores: Int
    /// What a machine has for its ranks; 0 where nobody knows.
    package let node_memory_mebibytes: Int
    package let launches: [Row]
    package let memory: [Part]

    /// Forecasts a launch of each number of `ranks`, none larger than the configuration's shards.
    ///
    /// `measured` are the kernels at this configuration's shapes, with a shard's images at a time and a rank's threads. The
    /// memory's speed in `connection` is replaced by the measured one. `nodeCores` are the cores of a machine, `nodeBytes`
    /// its memory, nil where nobody knows, and `dataBytes` the size of the data set in memory.
    /// Throws: `LaunchForecastError` if a kernel is missing among the measured ones.
    package init(
        _ configuration: RunConfiguration, ranks: [Int], measured: KernelBenchmark.Measurement,
        connection: Interconnect, nodeCores: Int, nodeBytes: Int?, dataBytes: Int
    ) throws(LaunchForecastError) {
        let settings = configuration.distil
        var connection = connection
        let times = try StepTimes(configuration, measured)
        connection.memoryBytesPerSecond = times.memoryBytesPerSecond
        func time(_ ranks: Int) -> (passes: Double, updates: Double, reductions: Double, teacher: Double) {
            times.cycle(configuration, ranks: ranks, connection)
        }
        let alone = time(1)
        let aloneSeconds = alone.passes + alone.updates + alone.reductions
        launches = ranks.map { count in
            let (passes, updates, reductions, teacher) = time(count)
            let seconds = passes + updates + reductions
            let rankBytes = MemoryForecast(configuration, ranks: count, dataBytes: dataBytes).total
            let together = min(count, connection.ranksPerNode)
            return Row(
                ranks: count, nodes: (count + connection.ranksPerNode - 1) / connection.ranksPerNode,
                shards: (settings.shards + count - 1) / count, rank_mebibytes: rankBytes >> 20,
                node_mebibytes: together * rankBytes >> 20,
                fits: nodeBytes.map { together * rankBytes <= $0 } ?? true,
                fits_cores: together * measured.threads <= nodeCores, cycle_seconds: seconds,
                passes_seconds: passes, update_seconds: updates, reduction_seconds: reductions,
                efficiency: aloneSeconds / seconds / Double(count),
                images_per_second: Double(settings.ratio.typical * settings.batch) / seconds,
                teacher_step_seconds: teacher,
                distil_hours: seconds * Double(settings.studentUpdates) / 3600,
                teacher_hours: teacher * Double(configuration.teacher.steps) / 3600)
        }
        let memory = MemoryForecast(configuration, ranks: ranks.min() ?? 1, dataBytes: dataBytes)
        func part(_ network: String, _ use: String, _ bytes: Int) -> Part {
            Part(network: network, use: use, mebibytes: Double(bytes) / Double(1 << 20))
        }
        self.memory =
            MemoryForecast.Role.allCases.flatMap { role in
                MemoryForecast.Use.allCases.map { part(role.rawValue, $0.rawValue, memory.bytes(role, $0)) }
            } + [
                part("", "other stages", memory.otherStageBytes), part("", "data", memory.dataBytes),
                part("", "program", MemoryForecast.programBytes),
            ]
        (batch, shards) = (settings.batch, settings.shards)
        threads = measured.threads
        reduction = configuration.launch.reduction.rawValue
        ranks_per_node = connection.ranksPerNode
        node_cores = nodeCores
        node_memory_mebibytes = (nodeBytes ?? 0) >> 20
    }
}

/// Why there is no forecast.
package enum LaunchForecastError: Error, Sendable, Equatable, CustomStringConvertible {
    /// Kernels that the measurements do not have.
    case incompleteRates(missing: [String])

    package var description: String {
        switch self {
        case .incompleteRates(let missing):
            "the rates lack \(missing.joined(separator: ", ")): measure them with dmd2 bench kernels --json"
        }
    }
}

/// The seconds of the parts of a step on one rank.
private struct StepTimes {
    /// Of one image in all passes of a cycle, and of one image of the teacher's training.
    private let cycleImageSeconds: Double
    private let teacherImageSeconds: Double
    /// Of the packing of weights in a cycle, and in an update of the teacher.
    private let cyclePackingSeconds: Double
    private let teacherPackingSeconds: Double
    private let studentUpdateSeconds: Double
    private let criticUpdateSeconds: Double
    /// Floats of the vectors that are summed.
    private let studentCount: Int
    private let criticCount: Int
    let memoryBytesPerSecond: Double

    init(
        _ configuration: RunConfiguration, _ measured: KernelBenchmark.Measurement
    ) throws(LaunchForecastError) {
        let settings = configuration.distil
        let critic = CriticNetwork(Denoiser(configuration.network), settings)
        let work = CycleArithmetic(configuration.network, critic: critic.layout)
        let rates = try KernelRates(measured, batch: settings.batch / settings.shards, for: work.operations)
        let precision = configuration.precision
        func seconds(_ pass: CycleArithmetic.Pass, _ type: ElementType) -> Double {
            work.sum(pass) { rates.seconds($0, $1, type) }
        }
        let passes = CycleArithmetic.passes(
            ratio: settings.ratio.typical, rolloutCalls: settings.meanRolloutCalls,
            matches: settings.matchingWeight > 0, usesGAN: settings.usesGAN)
        cycleImageSeconds = passes.reduce(0) { $0 + $1.times * seconds($1.pass, precision.elementType(of: $1.role)) }
        teacherImageSeconds = seconds(.trainDenoiser, precision.teacher)
        // Forms are made anew after every update, once for all shards.
        func packing(_ type: ElementType, head: Bool) -> Double {
            work.operations.filter { head || $0.part != .head }.reduce(0) {
                $0 + rates.packingSeconds($1, forward: true, type) + rates.packingSeconds($1, forward: false, type)
            }
        }
        cyclePackingSeconds =
            packing(precision.student, head: false)
            + Double(settings.ratio.typical) * packing(precision.critic, head: true)
        teacherPackingSeconds = packing(precision.teacher, head: false)
        studentCount = critic.denoiser.layout.elementCount
        criticCount = critic.layout.elementCount
        studentUpdateSeconds = rates.updateSeconds(
            weights: studentCount, averages: 1 + settings.emaFurtherDecays.count)
        criticUpdateSeconds = rates.updateSeconds(weights: criticCount, averages: 0)
        memoryBytesPerSecond = rates.memoryBytesPerSecond
    }

    /// The parts of a cycle, and a step of the teacher's training, of the slowest of `ranks`.
    func cycle(
        _ configuration: RunConfiguration, ranks: Int, _ connection: Interconnect
    ) -> (passes: Double, updates: Double, reductions: Double, teacher: Double) {
        let (settings, teacher) = (configuration.distil, configuration.teacher)
        func images(_ batch: Int, _ shards: Int) -> Double {
            Double(batch / shards * ((shards + ranks - 1) / ranks))
        }
        /// Zeroing a shard's gradient, and adding it to the sum of those before it.
        func gathering(_ count: Int, _ shards: Int) -> Double {
            let own = (shards + ranks - 1) / ranks
            return Double(4 * count * (own + 3 * (own - 1))) / memoryBytesPerSecond
        }
        func reduction(_ count: Int, _ shards: Int) -> Double {
            ReductionForecast(configuration.launch.reduction, shards: shards, ranks: ranks, connection)
                .seconds(elementCount: count)
        }
        let ratio = Double(settings.ratio.typical)
        let updates =
            studentUpdateSeconds + gathering(studentCount, settings.shards)
            + ratio * (criticUpdateSeconds + gathering(criticCount, settings.shards))
        return (
            passes: images(settings.batch, settings.shards) * cycleImageSeconds + cyclePackingSeconds,
            updates: updates,
            reductions: reduction(studentCount, settings.shards) + ratio * reduction(criticCount, settings.shards),
            teacher: images(teacher.batch, teacher.shards) * teacherImageSeconds + teacherPackingSeconds
                + studentUpdateSeconds + gathering(studentCount, teacher.shards)
                + reduction(studentCount, teacher.shards)
        )
    }
}

extension PrecisionConfiguration {
    /// The type of a network's activations.
    fileprivate func elementType(of role: CycleArithmetic.Role) -> ElementType {
        switch role {
        case .teacher: teacher
        case .student: student
        case .critic: critic
        }
    }
}
