import Communication
import Diffusion
import Distillation
import Kernels
import Layers
import Tensors

/// The memory that one rank of a run will take, told before it is launched.
///
/// Counted are the floats that outlive a step (weights, moments, averages, gradients), the packed forms of weights that
/// live at once, and the activations that a tape keeps for one shard. The pool gives nothing back, so what stages need in
/// shapes of their own adds up, and what they need in the same shapes does not.
package struct MemoryForecast: Sendable {
    /// What memory is needed for.
    package enum Use: String, CaseIterable, Sendable {
        /// Weights, the optimiser's moments and moving averages.
        case weights = "weights, optimiser"
        /// The copy of a rank's share of the state, which a checkpoint is written from.
        case checkpointCopy = "copy to save"
        /// Shards' gradients on their way to the sum.
        case gradients
        /// The weights in the layouts of the convolutions.
        case packedWeights = "packed weights"
        /// What the layers keep for the backward pass, and what is under way.
        case activations
    }

    /// The networks of the distillation.
    package enum Role: String, CaseIterable, Sendable { case teacher, student, critic }

    /// The code of the program and its libraries, its kernels compiled on the way, and what MPI maps: as seen on Debian 12.
    package static let programBytes = 96 << 20

    private let bytes: [Role: [Use: Int]]
    /// What the teacher's own training and the evaluation need beside the distillation, in shapes of their own.
    package let otherStageBytes: Int
    /// The images in memory, and the teacher's pairs.
    package let dataBytes: Int

    /// Bytes of a role's use.
    package func bytes(_ role: Role, _ use: Use) -> Int { bytes[role]?[use] ?? 0 }

    /// Bytes of one rank.
    package var total: Int {
        Self.programBytes + dataBytes + otherStageBytes
            + bytes.values.reduce(0) { $0 + $1.values.reduce(0, +) }
    }

    /// The memory of rank 0, of whose kind none has more shards, in a launch of `ranks`; `dataBytes` is the size of the
    /// data set in memory.
    package init(_ configuration: RunConfiguration, ranks: Int, dataBytes: Int) {
        let settings = configuration.distil
        let critic = CriticNetwork(Denoiser(configuration.network), settings)
        let work = CycleArithmetic(configuration.network, critic: critic.layout)
        let shardBatch = settings.batch / settings.shards
        let precision = configuration.precision
        let student = NetworkFootprint(work, batch: shardBatch, precision.student)
        let criticSize = NetworkFootprint(work, batch: shardBatch, precision.critic)
        let teacher = NetworkFootprint(work, batch: shardBatch, precision.teacher)
        let network = 4 * critic.denoiser.layout.elementCount
        let withHead = 4 * critic.layout.elementCount
        func gradients(_ vector: Int) -> Int {
            GradientBuffers(
                configuration.launch.reduction, shards: settings.shards, ranks: ranks, vectorBytes: vector
            ).bytes
        }
        // Beside its share for the run folder a rank may hold that share again for its machine's disk, and another's.
        let copies = configuration.checkpoints.nodeFolder.isEmpty ? 1 : 3
        // Weights, two moments, and moving averages.
        let studentVectors = 4 + settings.emaFurtherDecays.count
        // The student's forms for both directions live while the critic judges its images; the critic's forms for the
        // decoder's way back are made afterwards, in the memory of the student's.
        bytes = [
            .teacher: [.weights: network, .packedWeights: teacher.packed(.denoiser)],
            .student: [
                .weights: studentVectors * network, .checkpointCopy: copies * studentVectors * network / ranks,
                .gradients: gradients(network),
                .packedWeights: 2 * student.packed(.denoiser), .activations: student.kept(.denoiser),
            ],
            .critic: [
                .weights: 3 * withHead, .checkpointCopy: copies * 3 * withHead / ranks, .gradients: gradients(withHead),
                .packedWeights: criticSize.packed(.denoiser) + criticSize.packed(.judge),
                .activations: max(
                    settings.ganWeight > 0 ? criticSize.kept(.judge) + criticSize.underWay : 0,
                    criticSize.passing,
                    // The critic's own training has the student's shapes, but not its memory if the types differ.
                    (precision.critic == precision.student ? 0 : criticSize.kept(.denoiser)) + criticSize.underWay),
            ],
        ]
        let teacherBatch = configuration.teacher.batch / configuration.teacher.shards
        let training = NetworkFootprint(work, batch: teacherBatch, precision.teacher)
        let evaluation = NetworkFootprint(work, batch: configuration.evaluate.batch, precision.teacher)
        otherStageBytes =
            (configuration.teacher.isGiven || teacherBatch == shardBatch && precision.teacher == precision.student
                ? 0 : training.kept(.denoiser) + training.underWay)
            + (configuration.evaluate.batch == shardBatch ? 0 : evaluation.passing)
        // Every rank holds all pairs, in float32.
        let pairs = settings.regressionWeight > 0 ? settings.pairs : 0
        self.dataBytes = dataBytes + 4 * pairs * critic.denoiser.shape(1).count
    }
}

/// The bytes that a network's activations and packed weights take for a batch of one shard.
private struct NetworkFootprint {
    enum Part { case denoiser, judge }

    private let operations: [CycleArithmetic.Operation]
    private let batch: Int
    private let type: ElementType

    init(_ work: CycleArithmetic, batch: Int, _ type: ElementType) {
        (operations, self.batch, self.type) = (work.operations, batch, type)
    }

    private func members(_ part: Part) -> [CycleArithmetic.Operation] {
        operations.filter { part == .denoiser ? $0.part != .head : $0.part != .decoder }
    }

    /// The head is float32 whatever the network is.
    private func elementType(of operation: CycleArithmetic.Operation) -> ElementType {
        operation.part == .head ? .float32 : type
    }

    /// What a tape keeps of one pass.
    func kept(_ part: Part) -> Int {
        members(part).reduce(0) { $0 + batch * $1.retained * elementType(of: $1).byteCount }
    }

    /// One packed form of all weights.
    func packed(_ part: Part) -> Int {
        members(part).reduce(0) { total, operation in
            guard case .convolution(let kernel, let inputs, let outputs, let side, let stride) = operation.kind else {
                return total
            }
            let shape = ConvolutionShape(
                samples: batch, height: side * stride, width: side * stride, inputChannels: inputs,
                outputChannels: outputs, kernel: kernel, stride: stride, padding: stride == 1 ? kernel / 2 : 0)
            return total + Convolution.packedByteCount(shape, image: elementType(of: operation))
        }
    }

    /// The widest layer's input, its gradient and a sum of gradients.
    var underWay: Int { 3 * batch * type.byteCount * (operations.map(\.normalized).max() ?? 0) }

    /// A pass that nothing is kept of: the encoder's outputs, which the decoder reads, and what is under way.
    var passing: Int {
        let skips = operations.reduce(0) { $0 + $1.joined }
        return batch * type.byteCount * skips / 2 + underWay
    }
}

/// The buffers in which gradients are summed over shards.
struct GradientBuffers {
    let bytes: Int

    /// Those of rank 0 for vectors of so many bytes: its partial sums, and the slices that the others send it.
    init(_ mode: ReductionMode, shards: Int, ranks: Int, vectorBytes: Int) {
        let tree = ShardTree(shardCount: shards, rankCount: ranks)
        switch mode {
        case .stable:
            let received = (1..<max(ranks, 1)).reduce(0) { $0 + tree.subtrees(of: $1).count }
            bytes = tree.partialSumCountMax(of: 0) * vectorBytes + received * (vectorBytes / ranks)
        case .fast: bytes = (tree.shards(of: 0).count > 1 ? 2 : 1) * vectorBytes
        }
    }
}
