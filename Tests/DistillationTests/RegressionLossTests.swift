import Diffusion
import Distillation
import Layers
import Tensors
import Testing

@Suite
struct RegressionLossTests {
    private static func random(_ shape: Shape, _ step: Int) -> Tensor {
        RandomStream(seed: 21, purpose: .evaluationNoise).normal(shape, step: step, firstSample: 0)
    }

    private static var pairs: NoiseImagePairs {
        let shape = Shape(TinyNetworks.batch, 8, 8, 1)
        return NoiseImagePairs(noise: random(shape, 0), images: random(shape, 1), labels: [3, 1, 4, 1])
    }

    @Test("The distance of features is their mean squared difference, and its gradient goes through them")
    func features() {
        // f(x) = 3 x + 2 y of two pixels: |f - f'|² and its derivative by hand.
        let images = Tensor([1, 2], Shape(1, 1, 1, 2))
        let targets = Tensor([0, 1], Shape(1, 1, 1, 2))
        let weight = Tensor([3, 2], Shape(1, 2))
        let result = featureDistance(images, targets) { x in
            linear(reshape(x, Shape(x.shape[0], 2)), weight: Variable(weight), bias: nil)
        }
        // f = 7, f' = 2: the square of 5, and 2 · 5 times the weights.
        #expect(result.loss == 25)
        #expect(result.gradient.elements == [30, 20])
    }

    @Test(
        "The regression gradient is the slope of the weighted distance at the student's first call", arguments: [1, 3])
    func slope(steps: Int) {
        var configuration = DistillationConfiguration()
        configuration.studentSigmas = Array([5, 1.2, 0.4].prefix(steps))
        let tiny = TinyNetworks(configuration)
        let gradient = Tensor(repeating: 0, tiny.networks.student.values.shape)
        let loss = tiny.step.regressionGradient(
            Self.pairs, tiny.networks.student, weight: 0.25, distance: meanSquaredDistance, gradient: gradient)
        func distance(_ student: NetworkWeights) -> Double {
            // By hand: the denoiser at 5 times the noise, against the images.
            let noise = Self.pairs.noise
            let images = tiny.step.denoiser(
                Variable(Tensor(noise.elements.map { 5 * $0 }, noise.shape)), sigma: [5, 5, 5, 5],
                labels: Self.pairs.labels, .frozen(student)
            ).value.elements
            let squares = zip(images, Self.pairs.images.elements).map {
                (Double($0) - Double($1)) * (Double($0) - Double($1))
            }
            return squares.reduce(0, +) / Double(squares.count)
        }
        // Float32 against double sums of 256 squares.
        #expect(abs(Double(loss) - distance(tiny.networks.student)) < 1e-5 * Double(loss))
        checkSlopes(
            of: tiny.networks.student, gradient, names: ["model.enc.8x8_conv.weight", "model.out_conv.weight"]
        ) { 0.25 * distance($0) }
    }
}
