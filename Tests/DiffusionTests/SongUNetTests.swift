import Diffusion
import Layers
import Tensors
import Testing

/// What the fixtures do not show; forward and backward passes are compared with PyTorch's there.
@Suite struct SongUNetTests {
    @Test("CIFAR-10's DDPM++ has its published 55.7 million weights")
    func publishedSize() {
        let layout = SongUNet(
            NetworkConfiguration(
                resolution: 32, imageChannels: 3, classes: 10, channels: 128, channelMultipliers: [2, 2, 2],
                channelMultiplierEmbedding: 4, blocks: 4, attentionResolutions: [16]), .ddpmpp
        ).layout
        #expect(abs(Double(layout.parameterCount) / 55.7e6 - 1) < 1e-3)
    }

    @Test("Only the random frequencies are not trained, and all variants have one name per weight")
    func frequencies() {
        for backbone in NetworkConfiguration.Backbone.allCases {
            let layout = Denoiser(NetworkConfiguration(backbone: backbone)).layout
            let constants = layout.entries.filter { !$0.isTrained }.map(\.name)
            #expect(constants == (backbone == .ncsnpp ? ["model.map_noise.freqs"] : []))
        }
    }

    @Test(
        "An unconditional network has no layer for labels and takes no notice of them",
        arguments: ["adm", "ddpmpp", "ncsnpp"])
    func unconditional(name: String) throws {
        let backbone = try #require(NetworkConfiguration.Backbone(rawValue: name))
        let denoiser = Denoiser(NetworkConfiguration(backbone: backbone, conditional: false))
        #expect(!denoiser.layout.entries.contains { $0.name.contains("map_label") })
        let weights = moved(denoiser.layout)
        func image(_ label: Int?) -> [Float] {
            denoiser(input, sigma: [0.7], labels: [label], .frozen(weights)).value.elements
        }
        #expect(image(3) == image(nil) && image(3) == image(99))
    }

    @Test(
        "Without a label a conditional network's answer is another than with any",
        arguments: ["adm", "ddpmpp", "ncsnpp"])
    func noLabel(name: String) throws {
        let backbone = try #require(NetworkConfiguration.Backbone(rawValue: name))
        let denoiser = Denoiser(NetworkConfiguration(backbone: backbone, classes: 2))
        let weights = moved(denoiser.layout)
        func image(_ label: Int?) -> [Float] {
            denoiser(input, sigma: [0.7], labels: [label], .frozen(weights)).value.elements
        }
        #expect(image(nil) != image(0) && image(nil) != image(1) && image(0) != image(1))
    }

    private var input: Variable {
        Variable(RandomStream(seed: 1, purpose: .teacherNoise).normal(Shape(1, 8, 8, 1), step: 0, firstSample: 0))
    }

    /// Weights away from zero everywhere, so that every path counts.
    private func moved(_ layout: ParameterLayout) -> NetworkWeights {
        let weights = NetworkWeights(layout, seed: 1)
        let noise = RandomStream(seed: 2, purpose: .teacherNoise)
            .normal(Shape(1, weights.values.count), step: 0, firstSample: 0)
        weights.update { values in
            for index in values.buffer.indices { values.buffer[index] += 0.05 * noise.buffer[index] }
        }
        return weights
    }
}
