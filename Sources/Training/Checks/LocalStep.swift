import Coordination
import Layers
import Tensors

/// A training step on this process alone, for measurements that belong to no run.
enum LocalStep {
    /// Computes all shards of every network that the step updates, updates it, and returns the metrics' means.
    static func run(_ step: Int, _ kind: StepKind, of stage: some TrainingStage) -> [String: Double] {
        var metrics: [String: Double] = [:]
        for index in stage.updates(of: kind) {
            let network = stage.networks[index]
            let count = network.optimizer.weights.layout.elementCount
            let sum = Tensor(repeating: 0, Shape(network.vectorCount))
            for shard in 0..<stage.shards {
                let part = Tensor(repeating: 0, Shape(network.vectorCount))
                stage.accumulate(
                    network: index, step: step, kind: kind, shard: shard,
                    gradient: Tensor(part.storage, offset: 0, shape: Shape(count)), metrics: part.pointer + count)
                for element in 0..<sum.count { sum.pointer[element] += part.pointer[element] }
            }
            let scale = 1 / Float(stage.shards)
            _ = network.optimizer.update(
                gradient: sum.pointer, scale: scale, learningRate: network.nextLearningRate,
                averageKeep: network.averageKeep)
            for (offset, name) in network.metricNames.enumerated() {
                metrics[name] = Double(sum.pointer[count + offset] * scale)
            }
        }
        stage.endStep()
        return metrics
    }
}
