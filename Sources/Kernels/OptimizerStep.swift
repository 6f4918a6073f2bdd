import Glibc

/// The updates of trained weights, each one pass over flat buffers.
package enum OptimizerStep {
    /// The coefficients of one AdamW step.
    ///
    /// Formula (Loshchilov and Hutter 2019, algorithm 2): w -= lr decay w; m = b1 m + (1 - b1) g; v = b2 v + (1 - b2) g²;
    /// w -= lr m / (1 - b1^t) / (sqrt(v / (1 - b2^t)) + epsilon).
    package struct AdamW {
        /// Learning rate, decay rates of the moments, and the term that keeps the quotient finite.
        package let learningRate: Float, beta1: Float, beta2: Float, epsilon: Float
        /// Decoupled weight decay, a share of the weight per unit of learning rate.
        package let weightDecay: Float
        /// What each gradient is multiplied with first: the mean over shards and the clipping, in one factor.
        package let gradientScale: Float
        /// The number of this update of this network, from 1.
        package let update: Int

        package init(
            learningRate: Float, beta1: Float, beta2: Float, epsilon: Float, weightDecay: Float, gradientScale: Float,
            update: Int
        ) {
            precondition(update >= 1, "OptimizerStep.AdamW: update \(update) is less than 1")
            (self.learningRate, self.beta1, self.beta2, self.epsilon) = (learningRate, beta1, beta2, epsilon)
            (self.weightDecay, self.gradientScale, self.update) = (weightDecay, gradientScale, update)
        }
    }

    /// Updates weights and moments in place, and the moving average of the weights in the same pass where there is one.
    ///
    /// Formula of the average: a = keep a + (1 - keep) w, keep being `averageKeep`.
    package static func adamW(
        _ weights: UnsafeMutablePointer<Float>, gradient: UnsafePointer<Float>,
        firstMoment: UnsafeMutablePointer<Float>, secondMoment: UnsafeMutablePointer<Float>,
        average: UnsafeMutablePointer<Float>?, averageKeep: Float, count: Int, _ step: AdamW
    ) {
        let correction1 = 1 - pow(Double(step.beta1), Double(step.update))
        let correction2 = 1 - pow(Double(step.beta2), Double(step.update))
        let stepSize = Float(Double(step.learningRate) / correction1)
        let rootScale = Float(1 / correction2.squareRoot())
        let keep = 1 - step.learningRate * step.weightDecay
        let (beta1, beta2, epsilon, scale) = (step.beta1, step.beta2, step.epsilon, step.gradientScale)
        let timer = OperationProfile.start(.optimizer)
        defer { timer.stop() }
        ThreadPool.forRanges(count, grain: 65_536) { range in
            Chunk.forEach(range.count) { offset, lanes in
                let index = range.lowerBound + offset
                let g = Chunk.load(gradient + index, lanes) * scale
                let m = Chunk.load(firstMoment + index, lanes) * beta1 + g * (1 - beta1)
                let v = Chunk.load(secondMoment + index, lanes) * beta2 + (g * g) * (1 - beta2)
                let denominator = v.squareRoot() * rootScale + epsilon
                let w = Chunk.load(weights + index, lanes) * keep - m * stepSize / denominator
                Chunk.store(m, firstMoment + index, lanes)
                Chunk.store(v, secondMoment + index, lanes)
                Chunk.store(w, weights + index, lanes)
                if let average {
                    let a = Chunk.load(average + index, lanes)
                    Chunk.store(w + (a - w) * averageKeep, average + index, lanes)
                }
            }
        }
    }

    /// Moves a moving average towards the weights, to the bits that the pass above gives: a = keep a + (1 - keep) w.
    package static func average(
        _ average: UnsafeMutablePointer<Float>, towards weights: UnsafePointer<Float>, keep: Float, count: Int
    ) {
        let timer = OperationProfile.start(.optimizer)
        defer { timer.stop() }
        ThreadPool.forRanges(count, grain: 65_536) { range in
            Chunk.forEach(range.count) { offset, lanes in
                let index = range.lowerBound + offset
                let w = Chunk.load(weights + index, lanes)
                let a = Chunk.load(average + index, lanes)
                Chunk.store(w + (a - w) * keep, average + index, lanes)
            }
        }
    }

    /// The sum of squares, in double precision over fixed pieces, so that it depends on nothing but the values.
    package static func sumOfSquares(_ x: UnsafePointer<Float>, count: Int) -> Double {
        let grain = 65_536
        let pieces = (count + grain - 1) / grain
        return withUnsafeTemporaryAllocation(of: Double.self, capacity: pieces) { partial in
            let timer = OperationProfile.start(.optimizer)
            defer { timer.stop() }
            ThreadPool.forEach(pieces) { piece in
                var total = SIMD16<Double>.zero
                let start = piece * grain
                Chunk.forEach(min(count - start, grain)) { offset, lanes in
                    let value = SIMD16<Double>(Chunk.load(x + start + offset, lanes))
                    total += value * value
                }
                partial[piece] = total.sum()
            }
            return partial.reduce(0, +)
        }
    }
}
