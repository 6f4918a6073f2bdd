import Diffusion
import Distillation
import Testing
import Training

struct CycleArithmeticTests {
    /// One level of 4x4 with 64 channels: one encoder block, four decoder blocks, one of them with attention.
    private static let network = NetworkConfiguration(
        resolution: 4, imageChannels: 1, classes: 2, channels: 64, channelMultipliers: [1],
        channelMultiplierEmbedding: 1, blocks: 1, attentionResolutions: [])

    // Counted by hand, in multiply-adds an image: outputs x inputs x taps x pixels.
    private static let convolution = 64 * 64 * 9 * 16
    private static let conditioning = 64 * 64 + 2 * 64
    private static let embedding = conditioning + 64 * 64
    private static let affine = 64 * 128
    private static let image = 64 * 1 * 9 * 16
    private static let encoder = embedding + image + 2 * convolution + affine
    private static let attention = 192 * 64 * 16 + 64 * 64 * 16 + 2 * 16 * 16 * 64
    private static let joining = 2 * convolution + convolution + 64 * 128 * 16 + affine
    private static let decoder = 2 * (2 * convolution + affine) + attention + 2 * joining + image
    private static let head = 64 * 64 * 16 + 64

    private static func arithmetic(_ network: NetworkConfiguration, headGroups: Int) -> CycleArithmetic {
        CycleArithmetic(network, critic: CriticNetwork(Denoiser(network), headGroups: headGroups).layout)
    }
    private let counted = Self.arithmetic(Self.network, headGroups: 8)

    @Test("A forward pass counts every layer once, and judging leaves the decoder out")
    func forward() {
        #expect(counted.denoise == Double(2 * (Self.encoder + Self.decoder)))
        #expect(counted.judge == Double(2 * (Self.encoder + Self.head)))
    }

    @Test("Training adds the gradients of weights and inputs, but not of image, time and label")
    func training() {
        let constants = Self.image + Self.conditioning
        #expect(counted.trainDenoiser == Double(2 * (3 * (Self.encoder + Self.decoder) - constants)))
        #expect(counted.trainJudge == Double(2 * (3 * (Self.encoder + Self.head) - constants)))
    }

    @Test("Back to the image through frozen weights there is one gradient, and none of the embedding")
    func image() {
        let constants = Self.embedding + Self.affine
        #expect(counted.judgeForImage == Double(2 * (2 * (Self.encoder + Self.head) - constants)))
    }

    @Test("A cycle trains the critic at every step and the student once")
    func cycle() {
        let plain = counted.cycle(batch: 3, ratio: 2, usesGAN: false)
        #expect(plain == 3 * (3 * counted.trainDenoiser + 3 * counted.denoise))
        let adversarial = counted.cycle(batch: 3, ratio: 2, usesGAN: true)
        #expect(adversarial == plain + 3 * (counted.judgeForImage + 4 * counted.trainJudge))
        let threeSteps = counted.cycle(batch: 3, ratio: 2, rolloutCalls: 1, usesGAN: false)
        #expect(threeSteps == plain + 3 * 2 * counted.denoise)
        let alone = counted.cycle(batch: 3, ratio: 2, matches: false, usesGAN: true)
        #expect(alone == adversarial - 3 * (2 * counted.trainDenoiser + 2 * counted.denoise))
    }

    @Test("The standard case takes 3.70 TFLOP, as counted for the same training in PyTorch")
    func standardCase() {
        let standard = CycleBenchmark.standard
        let count = Self.arithmetic(standard.network, headGroups: standard.distil.headGroups)
            .cycle(batch: standard.distil.batch, ratio: standard.distil.ratio.typical, usesGAN: true)
        // That figure has three digits and leaves some small layers out.
        #expect(abs(count / 3.70e12 - 1) < 0.005)
    }
}
