import Layers
import Tensors
import Testing

@Suite struct NetworkOptimizerTests {
    private static func optimizer(_ count: Int, keepsAverage: Bool = false) -> NetworkOptimizer {
        var layout = ParameterLayout()
        _ = layout.add("w", [count], .uniform(bound: 1))
        return NetworkOptimizer(NetworkWeights(layout, seed: 1), AdamWConfiguration(), keepsAverage: keepsAverage)
    }

    @Test("The first step has the size of the learning rate, against the gradient, after the decay")
    func firstStep() {
        let optimizer = Self.optimizer(3)
        let before = optimizer.weights.values.elements
        let gradient = Tensor([2, -0.5, 1e-3] + [Float](repeating: 0, count: 13), Shape(16))
        let norm = optimizer.update(gradient: gradient.pointer, scale: 1, learningRate: 0.1, averageKeep: 0)
        // m / (1 - b1) = g and sqrt(v / (1 - b2)) = |g|; weights of magnitude 1 round to 6e-8 a few times.
        let after = optimizer.weights.values.elements
        for (index, sign) in [Float(1), -1, 1].enumerated() {
            let expected = before[index] * 0.999 - 0.1 * sign
            #expect(abs(after[index] - expected) < 2e-6)
        }
        #expect(abs(norm - (4.25 as Float).squareRoot()) < 1e-5)
        #expect(after[3...].allSatisfy { $0 == 0 }, "the gap stays zero")
        #expect(optimizer.updateCount == 1)
    }

    @Test(
        "The gradient is the sum times the scale, brought down to the largest norm, and the norm before that is returned"
    )
    func clipping() {
        let optimizer = Self.optimizer(16)
        let gradient = Tensor(repeating: 10, Shape(16))
        // The mean over two shards is 5 each: norm 20, twice the largest norm of 10.
        let norm = optimizer.update(gradient: gradient.pointer, scale: 0.5, learningRate: 0.1, averageKeep: 0)
        #expect(abs(norm - 20) < 1e-5)
        #expect(optimizer.firstMoment.elements.allSatisfy { abs($0 - 0.1 * 2.5) < 1e-6 })
        #expect(optimizer.secondMoment.elements.allSatisfy { abs($0 - 0.001 * 6.25) < 1e-6 })
    }

    @Test("Below the largest norm the gradient is left alone")
    func noClipping() {
        let optimizer = Self.optimizer(16)
        let gradient = Tensor(repeating: 1, Shape(16))
        _ = optimizer.update(gradient: gradient.pointer, scale: 1, learningRate: 0.1, averageKeep: 0)
        #expect(optimizer.firstMoment.elements.allSatisfy { abs($0 - 0.1) < 1e-7 })
    }

    @Test("What is not trained stays as it was drawn, in the moving average too")
    func constants() throws {
        var layout = ParameterLayout()
        _ = layout.add("a", [3], .uniform(bound: 1))
        _ = layout.add("frequencies", [5], .normal(deviation: 16), isTrained: false)
        _ = layout.add("b", [20], .uniform(bound: 1))
        #expect(layout.trainedRanges == [0..<16, 32..<64])
        let weights = NetworkWeights(layout, seed: 1)
        let before = weights.named.map(\.value.elements)
        let optimizer = NetworkOptimizer(weights, AdamWConfiguration(), keepsAverage: true)
        let gradient = Tensor(repeating: 1, Shape(layout.elementCount))
        _ = optimizer.update(gradient: gradient.pointer, scale: 1, learningRate: 0.1, averageKeep: 0.5)
        let average = try #require(optimizer.average)
        for network in [weights, average] {
            let after = network.named.map(\.value.elements)
            #expect(after[1] == before[1])
            #expect(zip(after[0] + after[2], before[0] + before[2]).allSatisfy { $0 != $1 })
        }
    }

    @Test("The moving average starts at the weights and keeps the share it is told to")
    func movingAverage() throws {
        let optimizer = Self.optimizer(16, keepsAverage: true)
        let average = try #require(optimizer.average)
        let start = optimizer.weights.values.elements
        #expect(average.values.elements == start)
        let gradient = Tensor(repeating: 1, Shape(16))
        _ = optimizer.update(gradient: gradient.pointer, scale: 1, learningRate: 0.1, averageKeep: 0.75)
        let end = optimizer.weights.values.elements
        for (value, (first, last)) in zip(average.values.elements, zip(start, end)) {
            // Three roundings of values of magnitude 1.
            #expect(abs(value - (0.75 * first + 0.25 * last)) < 3e-7)
        }
        #expect(Self.optimizer(16).average == nil)
    }

    @Test("Steps against the gradient of a parabola reach its minimum")
    func convergence() {
        let optimizer = Self.optimizer(16)
        for _ in 0..<500 {
            let gradient = Tensor(optimizer.weights.values.elements.map { $0 - 0.5 }, Shape(16))
            _ = optimizer.update(gradient: gradient.pointer, scale: 1, learningRate: 0.01, averageKeep: 0)
        }
        // Adam circles the minimum at a fraction of its rate, and the decay pulls a little towards zero.
        #expect(optimizer.weights.values.elements.allSatisfy { abs($0 - 0.5) < 0.01 })
    }
}
