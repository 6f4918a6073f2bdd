import Communication
import Coordination
import Layers
import Tensors

/// Takes the steps of a stage, on the ranks of a communicator. Keeps the buffers in which gradients are summed.
struct StageSteps<Stage: TrainingStage> {
    private let stage: Stage
    private let reductions: [any GradientReduction]

    init(_ stage: Stage, _ mode: ReductionMode, _ communicator: any Communicator) {
        self.stage = stage
        reductions = stage.networks.map { network in
            mode.makeReduction(
                communicator: communicator, shardCount: stage.shards, elementCount: network.vectorCount)
        }
    }

    /// One step: for each network it updates, gradients of the own shards, their sum over all, one optimiser step.
    /// Collective. Returns the means of what was measured, the same on all ranks.
    func take(_ step: Int, _ kind: StepKind) throws -> [(name: String, value: Double)] {
        var metrics: [(name: String, value: Double)] = []
        for index in stage.updates(of: kind) {
            let (network, reduction) = (stage.networks[index], reductions[index])
            let count = network.optimizer.weights.layout.elementCount
            for shard in reduction.ownedShards {
                reduction.withLeaf(shard) { vector in
                    guard let start = vector.baseAddress else { return }
                    let storage = Storage(borrowing: start, capacity: vector.count)
                    stage.accumulate(
                        network: index, step: step, kind: kind, shard: shard,
                        gradient: Tensor(storage, offset: 0, shape: Shape(count)), metrics: start + count)
                }
            }
            let sum = try reduction.finish()
            guard let gradient = sum.baseAddress else { continue }
            let scale = 1 / Float(stage.shards)
            let rate = network.nextLearningRate
            let norm = network.optimizer.update(
                gradient: gradient, scale: scale, learningRate: rate, averageKeep: network.averageKeep)
            for average in network.furtherAverages { average.move(towards: network.optimizer.weights) }
            for (offset, name) in network.metricNames.enumerated() {
                metrics.append((name, Double(sum[count + offset] * scale)))
            }
            metrics.append(("gradient_norm.\(network.name)", Double(norm)))
            metrics.append(("learning_rate.\(network.name)", Double(rate)))
        }
        stage.endStep()
        return metrics
    }
}
