import Kernels
package import Tensors

/// The constants of an AdamW optimiser (Loshchilov and Hutter 2019).
package struct AdamWConfiguration: Sendable, Equatable {
    /// Decay rates of the two moments.
    package var beta1: Float = 0.9
    package var beta2: Float = 0.999
    /// Added to the root of the second moment.
    package var epsilon: Float = 1e-8
    /// Decoupled weight decay per unit of learning rate.
    package var weightDecay: Float = 0.01
    /// The gradient's norm is brought down to this.
    package var maxGradientNorm: Float = 10

    package init() {}
}

/// What changes a network's weights: the moments, the moving average, and the number of updates done.
package final class NetworkOptimizer {
    package let weights: NetworkWeights
    private let configuration: AdamWConfiguration
    /// The parts of the buffers that change.
    private let trainedRanges: [Range<Int>]
    /// The moments, flat buffers of the weights' layout.
    package let firstMoment: Tensor
    package let secondMoment: Tensor
    /// The moving average of the weights, the network that is used in the end; nil where none is kept.
    package let average: NetworkWeights?
    /// The updates done so far.
    package var updateCount = 0

    package init(_ weights: NetworkWeights, _ configuration: AdamWConfiguration, keepsAverage: Bool) {
        self.weights = weights
        self.configuration = configuration
        trainedRanges = weights.layout.trainedRanges
        firstMoment = Tensor(repeating: 0, weights.values.shape)
        secondMoment = Tensor(repeating: 0, weights.values.shape)
        average = keepsAverage ? weights.copied() : nil
    }

    /// Clips the gradient by its norm, takes one AdamW step and moves the average, of all that is trained. Returns the norm
    /// before clipping.
    ///
    /// `gradient` is flat in the weights' layout, the sum over shards; `scale` turns the sum into the mean; `averageKeep`
    /// is the share of the moving average that is kept.
    /// Formula of the clipping: g * min(1, max norm / (|g| + 1e-6)), as PyTorch's.
    package func update(
        gradient: UnsafePointer<Float>, scale: Float, learningRate: Float, averageKeep: Float
    ) -> Float {
        let count = weights.layout.elementCount
        let norm = Float(OptimizerStep.sumOfSquares(gradient, count: count).squareRoot()) * abs(scale)
        let clip = min(1, configuration.maxGradientNorm / (norm + 1e-6))
        updateCount += 1
        let step = OptimizerStep.AdamW(
            learningRate: learningRate, beta1: configuration.beta1, beta2: configuration.beta2,
            epsilon: configuration.epsilon, weightDecay: configuration.weightDecay, gradientScale: scale * clip,
            update: updateCount)
        weights.update { values in
            func apply(average: UnsafeMutablePointer<Float>?) {
                for range in trainedRanges {
                    let start = range.lowerBound
                    OptimizerStep.adamW(
                        values.pointer + start, gradient: gradient + start, firstMoment: firstMoment.pointer + start,
                        secondMoment: secondMoment.pointer + start, average: average.map { $0 + start },
                        averageKeep: averageKeep, count: range.count, step)
                }
            }
            if let average { average.update { apply(average: $0.pointer) } } else { apply(average: nil) }
        }
        return norm
    }
}

/// The learning rate by a network's own updates: linear warm-up, constant, linear decay to zero over the last part.
package struct LearningRateSchedule: Sendable, Equatable {
    /// The rate between warm-up and decay.
    package let peak: Float
    /// The updates of the warm-up, of the whole run, and of the decay at its end.
    package let warmupUpdates: Int, totalUpdates: Int, decayUpdates: Int

    package init(peak: Float, warmupUpdates: Int, totalUpdates: Int, decayFraction: Float) {
        (self.peak, self.warmupUpdates, self.totalUpdates) = (peak, warmupUpdates, totalUpdates)
        decayUpdates = Int(Float(totalUpdates) * decayFraction)
    }

    /// The rate of update `update`, counted from 0. Updates past the total get the last one's.
    package func rate(update: Int) -> Float { rate(update: update, decayUpdate: update) }

    /// The rate where warm-up and decay count different updates, each from 0: the total is that of the decay's.
    package func rate(update: Int, decayUpdate: Int) -> Float {
        var factor: Float = 1
        if update < warmupUpdates { factor = Float(update + 1) / Float(warmupUpdates) }
        if decayUpdates > 0 {
            let left = max(1, totalUpdates - decayUpdate)
            factor = min(factor, Float(left) / Float(decayUpdates))
        }
        return peak * factor
    }
}
