import Glibc
import Kernels
import Testing

@Suite struct OptimizerStepTests {
    /// The definition of AdamW and of the moving average, for one weight in double precision.
    private struct PlainAdamW {
        var (weight, first, second, average): (Double, Double, Double, Double)

        mutating func step(_ gradient: Double, _ update: Int) {
            let g = gradient * 0.5
            weight -= 0.01 * 0.1 * weight
            first = 0.9 * first + 0.1 * g
            second = 0.99 * second + 0.01 * g * g
            let root = (second / (1 - pow(0.99, Double(update)))).squareRoot()
            weight -= 0.01 * first / (1 - pow(0.9, Double(update))) / (root + 1e-8)
            average = 0.95 * average + 0.05 * weight
        }
    }

    @Test("Several AdamW steps equal the definition in double precision", arguments: [1, 7, 16, 17, 65, 65_600])
    func adamW(count: Int) {
        var weights = numbers(count, seed: 1)
        var (first, second) = ([Float](repeating: 0, count: count), [Float](repeating: 0, count: count))
        var average = weights
        var expected = weights.map { PlainAdamW(weight: Double($0), first: 0, second: 0, average: Double($0)) }
        for update in 1...3 {
            let gradient = numbers(count, seed: UInt64(update + 1))
            OptimizerStep.adamW(
                &weights, gradient: gradient, firstMoment: &first, secondMoment: &second, average: &average,
                averageKeep: 0.95, count: count,
                .init(
                    learningRate: 0.01, beta1: 0.9, beta2: 0.99, epsilon: 1e-8, weightDecay: 0.1, gradientScale: 0.5,
                    update: update))
            for index in expected.indices { expected[index].step(Double(gradient[index]), update) }
        }
        // Each step rounds values of magnitude 1 a few times to 6e-8; beta2 as a float is 0.99 to 1e-8.
        #expect(largestError(weights, expected.map(\.weight)) < 1e-6)
        #expect(largestError(first, expected.map(\.first)) < 1e-6)
        #expect(largestError(second, expected.map(\.second)) < 1e-6)
        #expect(largestError(average, expected.map(\.average)) < 1e-6)
    }

    @Test("Without an average the weights move the same")
    func adamWWithoutAverage() {
        let gradient = numbers(17, seed: 2)
        let step = OptimizerStep.AdamW(
            learningRate: 0.1, beta1: 0, beta2: 0.999, epsilon: 1e-8, weightDecay: 0, gradientScale: 1, update: 1)
        func weights(average: UnsafeMutablePointer<Float>?) -> [Float] {
            var (weights, first, second) = (
                numbers(17, seed: 1), [Float](repeating: 0, count: 17), [Float](repeating: 0, count: 17)
            )
            OptimizerStep.adamW(
                &weights, gradient: gradient, firstMoment: &first, secondMoment: &second, average: average,
                averageKeep: 0.5, count: 17, step)
            return weights
        }
        var average = numbers(17, seed: 1)
        #expect(weights(average: nil) == weights(average: &average))
    }

    @Test("The sum of squares is exact to double precision", arguments: [1, 17, 64, 65_539])
    func sumOfSquares(count: Int) {
        let x = numbers(count, seed: 1)
        let expected = x.reduce(0.0) { $0 + Double($1) * Double($1) }
        // Squares of floats are exact in double; only the order of the sum differs.
        #expect(abs(OptimizerStep.sumOfSquares(x, count: count) - expected) < 1e-12 * expected)
    }

    @Test("An update is counted from 1")
    func updateZeroTraps() async {
        await #expect(processExitsWith: .failure) {
            _ = OptimizerStep.AdamW(
                learningRate: 0, beta1: 0, beta2: 0, epsilon: 0, weightDecay: 0, gradientScale: 1, update: 0)
        }
    }
}
