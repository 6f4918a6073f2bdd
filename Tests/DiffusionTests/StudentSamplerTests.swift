import Diffusion
import Layers
import Synchronization
import Tensors
import Testing

@Suite struct StudentSamplerTests {
    private let backbone = GaussianBackbone(mean: 0.4, variance: 0.09)
    private let labels = [0, 1, 2, 3, 4]

    private func sampler(_ sigmas: [Float]) -> StudentSampler {
        StudentSampler(denoiser: backbone.denoiser, sigmas: sigmas)
    }

    private func noise(_ number: Int) -> Tensor {
        RandomStream(seed: 3, purpose: .evaluationNoise, draw: number)
            .normal(Shape(5, 1, 1, 1), step: 0, firstSample: 0)
    }

    @Test("Several steps are the closed-form denoiser, noise, and the denoiser again")
    func gaussian() {
        // D(x; s) = (v x + s² m) / (v + s²).
        func denoised(_ x: Double, _ s: Double) -> Double { (0.09 * x + s * s * 0.4) / (0.09 + s * s) }
        let weights = NetworkWeights(backbone.layout)
        let images = sampler([2, 0.5, 0.1]).sample(weights, labels: labels, noise: noise).elements
        for (n, image) in images.enumerated() {
            let e = (0..<3).map { Double(noise($0).elements[n]) }
            let first = denoised(2 * e[0], 2)
            let second = denoised(first + 0.5 * e[1], 0.5)
            // Float32 rounding of numbers of size 1, through three calls.
            #expect(abs(Double(image) - denoised(second + 0.1 * e[2], 0.1)) < 1e-5)
        }
    }

    @Test("The sampler calls the network once a level, as often as it says")
    func networkCalls() {
        let sampler = sampler([2, 0.5])
        _ = sampler.sample(NetworkWeights(backbone.layout), labels: labels, noise: noise)
        #expect(backbone.calls.withLock { $0 } == 2)
        #expect(sampler.networkCalls == 2)
    }

    @Test("Batches of any size make the same images", arguments: [1, 2, 5, 9])
    func batches(size: Int) {
        let weights = NetworkWeights(backbone.layout)
        let whole = sampler([2, 0.5]).sample(weights, labels: labels, noise: noise)
        let parts = sampler([2, 0.5]).sample(weights, labels: labels, inBatchesOf: size, noise: noise)
        #expect(parts.elements == whole.elements)
    }
}
