import Kernels
import Tensors

/// A moving average of a network's weights, beside the one that its optimiser keeps.
package final class MovingAverage {
    /// The share of it that is kept at an update.
    package let decay: Double
    /// The average; it starts at the weights.
    package let weights: NetworkWeights

    package init(of network: NetworkWeights, decay: Double) {
        (self.decay, weights) = (decay, network.copied())
    }

    /// Counts one update of the network: a = decay a + (1 - decay) w.
    package func move(towards network: NetworkWeights) {
        weights.update {
            OptimizerStep.average(
                $0.pointer, towards: network.values.pointer, keep: Float(decay), count: network.layout.elementCount)
        }
    }
}
