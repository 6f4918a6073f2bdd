import Diffusion
import Layers
import Synchronization
import Tensors
import Testing

@Suite struct HeunSamplerTests {
    private static let noise: [Float] = [-2, -1, 0, 1, 2]
    private let backbone = GaussianBackbone(mean: 0.4, variance: 0.09)

    private func samples(steps: Int) -> [Double] {
        HeunSampler(steps: steps).sample(
            backbone.denoiser, NetworkWeights(backbone.layout), noise: Tensor(Self.noise, Shape(5, 1, 1, 1)),
            labels: [0, 1, 2, 3, 4]
        ).elements.map(Double.init)
    }

    private func largestError(steps: Int) -> Double {
        zip(samples(steps: steps), Self.noise).reduce(0) { max($0, abs($1.0 - backbone.flow(noise: Double($1.1)))) }
    }

    @Test("Samples of a Gaussian have its mean and variance")
    func gaussian() {
        let x = samples(steps: 32)
        // The sampler is affine in the noise here: its offset is the mean, its slope the standard deviation. The limit's
        // own offset is mean (1 - 0.3 / 80), and 32 steps are within a hundredth of the limit.
        #expect(abs(x[2] - 0.4) < 0.01)
        #expect(abs((x[3] - x[1]) / 2 - 0.3) < 0.01)
        #expect(abs((x[4] - x[0]) / 4 - (x[3] - x[1]) / 2) < 1e-4, "affine, to float rounding")
    }

    @Test("The error falls with the square of the number of steps")
    func secondOrder() {
        let (coarse, fine) = (largestError(steps: 32), largestError(steps: 64))
        // Samples spread over ±0.6; 64 steps leave less than a hundredth of that.
        // A second-order method's ratio tends to 4; the last Euler step and the higher orders shift it a little.
        #expect(fine < 4e-3 && coarse / fine > 3, "errors \(coarse) and \(fine)")
    }

    @Test("The sampler calls the network as often as it says")
    func networkCalls() {
        _ = samples(steps: 18)
        #expect(backbone.calls.withLock { $0 } == 35)
        #expect(HeunSampler(steps: 18).networkCalls == 35)
    }
}
