import Diffusion
import Glibc
import Layers
import Tensors
import Testing

/// F(x; c) = x + c, which shows both of its arguments; so does its bottleneck.
private struct ProbeBackbone: EncoderDecoder {
    let layout = ParameterLayout()
    let bottleneckChannels = 1
    let bottleneckResolution = 1
    let encoderChannels = [1: 1]

    func embed(_ conditioning: [Float], _ labels: [Int?], _ weights: BoundWeights) -> Variable {
        Variable(Tensor(conditioning, Shape(conditioning.count, 1, 1, 1)))
    }

    func encode(_ x: Variable, _ embedding: Variable, _ weights: BoundWeights) -> [Variable] { [add(x, embedding)] }

    func decode(_ outputs: consuming [Variable], _ embedding: Variable, _ weights: BoundWeights) -> Variable {
        outputs.removeLast()
    }
}

@Suite struct DenoiserTests {
    private let denoiser = Denoiser(ProbeBackbone(), sigmaData: 0.5, imageShape: (1, 1, 1))
    private let weights = BoundWeights.frozen(NetworkWeights(ParameterLayout()))

    @Test("The preconditioning is EDM's at small and at large sigma", arguments: [0.002, 0.01, 0.5, 3, 80])
    func preconditioning(sigma: Double) {
        let x = 1.7
        let root = (sigma * sigma + 0.25).squareRoot()
        let network = x / root + log(sigma) / 4
        let expected = 0.25 / (sigma * sigma + 0.25) * x + sigma * 0.5 / root * network
        let input = Variable(Tensor([Float(x)], Shape(1, 1, 1, 1)))
        let image = denoiser(input, sigma: [Float(sigma)], labels: [0], weights).value.elements[0]
        let features = denoiser.bottleneck(input, sigma: [Float(sigma)], labels: [0], weights).value.elements[0]
        // A few roundings of 6e-8; the logarithm is a float's.
        #expect(abs(Double(image) - expected) < 1e-6)
        #expect(abs(Double(features) - network) < 1e-6 * max(1, abs(network)))
    }

    @Test("At small sigma the image passes through; at large sigma it does not matter")
    func limits() {
        let backbone = GaussianBackbone(mean: 0.25, variance: 0.01)
        let x = Variable(Tensor([0.9, 100], Shape(2, 1, 1, 1)))
        let denoised = backbone.denoiser(x, sigma: [0.002, 80], labels: [0, 0], weights).value.elements
        // (v x + s² m) / (v + s²), exactly: 0.89974 and 0.25016; roundings of 6e-8 on both sides of the preconditioning.
        #expect(abs(denoised[0] - 0.899_740_1) < 1e-6)
        #expect(abs(denoised[1] - 0.250_155_9) < 1e-5)
    }

    @Test("Each image is noised by its own sigma")
    func noising() {
        let x = Variable(Tensor([1, 2], Shape(2, 1, 1, 1)))
        let noise = Tensor([10, -1], Shape(2, 1, 1, 1))
        #expect(noised(x, sigma: [0.5, 3], noise: noise).value.elements == [6, -1])
    }

    @Test("Of a backbone without an encoder none can be read")
    func noEncoder() async {
        await #expect(processExitsWith: .failure) {
            let denoiser = GaussianBackbone(mean: 0, variance: 1).denoiser
            _ = denoiser.bottleneck(
                Variable(Tensor(repeating: 0, denoiser.shape(1))), sigma: [1], labels: [0],
                .frozen(NetworkWeights(denoiser.layout)))
        }
    }

    @Test("One sigma per image, or a trap")
    func missingSigma() async {
        await #expect(processExitsWith: .failure) {
            let denoiser = Denoiser(ProbeBackbone(), sigmaData: 0.5, imageShape: (1, 1, 1))
            _ = denoiser(
                Variable(Tensor(repeating: 0, denoiser.shape(2))), sigma: [1], labels: [0, 0],
                .frozen(NetworkWeights(denoiser.layout)))
        }
    }
}
