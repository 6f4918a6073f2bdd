import Diffusion
import Distillation
import Glibc
import Tensors
import Testing

/// The losses against their formulas in double precision.
///
/// Tolerance 1e-6: values and derivatives are float32 results of double sums, with a few roundings of 6e-8 each; the
/// central differences of the double formulas are exact to 1e-9.
@Suite
struct LossTests {
    private let tolerance = 1e-6
    private let shape = Shape(3, 4, 4, 2)

    private func random(_ step: Int) -> Tensor {
        RandomStream(seed: 11, purpose: .evaluationNoise).normal(shape, step: step, firstSample: 0)
    }

    /// d f / d x_i by central differences.
    private func derivative(_ f: ([Double]) -> Double, at x: [Double], _ index: Int) -> Double {
        let h = 1e-5
        var (above, below) = (x, x)
        above[index] += h
        below[index] -= h
        return (f(above) - f(below)) / (2 * h)
    }

    private func doubles(_ x: Tensor) -> [Double] { x.elements.map(Double.init) }

    @Test("dL/dx of the matching loss is g over the number of elements, exactly")
    func matchingGradient() {
        let (loss, g) = distributionMatchingLoss(images: random(0), teacher: random(1), critic: random(2))
        for (slope, direction) in zip(loss.gradient.elements, g.elements) {
            #expect(slope == direction / Float(shape.count))
        }
    }

    @Test("The matching direction is (critic - teacher) over the mean distance of each image from the teacher's")
    func matchingDirection() {
        let (x, teacher, critic) = (doubles(random(0)), doubles(random(1)), doubles(random(2)))
        let (_, direction) = distributionMatchingLoss(images: random(0), teacher: random(1), critic: random(2))
        let count = shape.countPerSample
        for n in 0..<shape[0] {
            let range = n * count..<(n + 1) * count
            let weight = range.reduce(0) { $0 + abs(x[$1] - teacher[$1]) } / Double(count)
            for index in range {
                let expected = (critic[index] - teacher[index]) / weight
                #expect(abs(Double(direction.elements[index]) - expected) <= tolerance * max(1, abs(expected)))
            }
        }
    }

    @Test("The matching gradient is the derivative of half the squared distance to the fixed target x - g")
    func matchingDerivative() {
        let images = random(0)
        let (loss, g) = distributionMatchingLoss(images: images, teacher: random(1), critic: random(2))
        let x = doubles(images)
        let target = zip(x, doubles(g)).map { $0 - $1 }
        let formula = { (x: [Double]) in
            zip(x, target).reduce(0) { $0 + ($1.0 - $1.1) * ($1.0 - $1.1) } / Double(2 * x.count)
        }
        #expect(abs(Double(loss.loss) - formula(x)) <= tolerance * formula(x))
        for index in [0, 17, shape.count - 1] {
            #expect(abs(Double(loss.gradient.elements[index]) - derivative(formula, at: x, index)) <= tolerance)
        }
    }

    @Test("A critic equal to the teacher gives no matching gradient at all")
    func equalCritic() {
        let (loss, g) = distributionMatchingLoss(images: random(0), teacher: random(1), critic: random(1))
        #expect(loss.loss == 0)
        #expect(g.elements.allSatisfy { $0 == 0 })
        #expect(loss.gradient.elements.allSatisfy { $0 == 0 })
    }

    @Test("An image that equals the teacher's gives a gradient of zero, not a division by zero")
    func zeroDistance() {
        let (loss, g) = distributionMatchingLoss(images: random(0), teacher: random(0), critic: random(2))
        #expect(loss.loss == 0)
        #expect(g.elements.allSatisfy { $0 == 0 })
    }

    @Test(
        "The adversarial gradient is the derivative of the weighted softplus",
        arguments: [AdversarialTarget.real, .generated])
    func adversarial(target: AdversarialTarget) {
        // Both tails, where a naive softplus overflows or loses all digits, and the middle.
        let logits: [Float] = [-120, -3, -0.1, 0, 0.7, 4, 120]
        let weight: Float = 0.3
        let sign: Double = target == .real ? -1 : 1
        let formula = { (logits: [Double]) in
            logits.reduce(0) { $0 + max(sign * $1, 0) + log1p(exp(-abs($1))) } / Double(logits.count)
        }
        let x = logits.map(Double.init)
        let result = adversarialLoss(Tensor(logits, Shape(logits.count, 1)), target, weight: weight)
        #expect(abs(Double(result.loss) - formula(x)) <= tolerance * formula(x))
        for index in logits.indices {
            let expected = Double(weight) * derivative(formula, at: x, index)
            #expect(abs(Double(result.gradient.elements[index]) - expected) <= tolerance)
        }
    }

    @Test("The critic's gradient is the derivative of the weighted squared error")
    func squaredError() {
        let (denoised, clean) = (random(0), random(1))
        let weights = criticLossWeights(sigma: [0.1, 1, 10], Preconditioning(sigmaData: 0.5))
        let (x, y) = (doubles(denoised), doubles(clean))
        let count = shape.countPerSample
        let formula = { (x: [Double]) in
            x.indices.reduce(0) { $0 + Double(weights[$1 / count]) * (x[$1] - y[$1]) * (x[$1] - y[$1]) }
                / Double(x.count)
        }
        let result = weightedSquaredError(denoised, clean, weights: weights)
        #expect(abs(Double(result.loss) - formula(x)) <= tolerance * formula(x))
        for index in [0, count, 2 * count, shape.count - 1] {
            let expected = derivative(formula, at: x, index)
            // The quotient's own rounding, 1e-16 of the loss over the step of 1e-5, comes on top.
            #expect(abs(Double(result.gradient.elements[index]) - expected) <= tolerance * max(1, abs(expected)))
        }
    }

    @Test("The critic's loss weight is 1/s² + 1/d², and for epsilon what makes it the plain squared error of epsilon")
    func criticWeights() {
        #expect(criticLossWeights(sigma: [0.5, 2], Preconditioning(sigmaData: 0.5)) == [8, 4.25])
        // eps' - eps = (x0 - D) / s.
        let epsilon = Preconditioning(prediction: .epsilon, schedule: .stableDiffusion, sigmaData: 0.5)
        #expect(criticLossWeights(sigma: [0.5, 2], epsilon) == [4, 0.25])
    }
}
