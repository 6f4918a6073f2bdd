import Diffusion
import Foundation
import Layers
import Tensors
import Testing

@Suite struct ADMUNetTests {
    private static let configuration = NetworkConfiguration()

    /// Weights away from zero everywhere, so that every path counts.
    private static func weights(_ layout: ParameterLayout, seed: UInt64 = 1) -> NetworkWeights {
        let weights = NetworkWeights(layout, seed: seed)
        let stream = RandomStream(seed: seed, purpose: .studentNoise)
        for (index, entry) in weights.named.enumerated() where entry.value.buffer.allSatisfy({ $0 == 0 }) {
            stream.normal(into: entry.value.buffer, step: 0, sample: index)
            for element in entry.value.buffer.indices { entry.value.buffer[element] *= 0.05 }
        }
        return weights
    }

    private static func images(_ count: Int, step: Int = 0) -> Tensor {
        RandomStream(seed: 1, purpose: .teacherNoise).normal(Shape(count, 8, 8, 1), step: step, firstSample: 0)
    }

    /// A recorded PyTorch network: its configuration and the names and shapes of its weights.
    private struct Recording: Decodable {
        struct Configuration: Decodable {
            struct Network: Decodable {
                let model_channels: Int, channel_mult: [Int], channel_mult_emb: Int, num_blocks: Int
                let attn_resolutions: [Int]
            }
            let resolution: Int, image_channels: Int, label_dim: Int, network: Network
        }
        let config: Configuration
        let weights: [String: [Int]]
    }

    @Test("Names and shapes of the weights are those of the PyTorch network", arguments: ["adm-16", "adm-8-two-heads"])
    func layoutEqualsPyTorch(name: String) throws {
        let folder = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        let file = folder.appending(path: "DistillationTests/Fixtures/\(name).json")
        let recording = try JSONDecoder().decode(Recording.self, from: Data(contentsOf: file))
        let (config, network) = (recording.config, recording.config.network)
        let layout = ADMUNet(
            NetworkConfiguration(
                resolution: config.resolution, imageChannels: config.image_channels, classes: config.label_dim,
                channels: network.model_channels, channelMultipliers: network.channel_mult,
                channelMultiplierEmbedding: network.channel_mult_emb, blocks: network.num_blocks,
                attentionResolutions: network.attn_resolutions)
        ).layout
        let prefix = "teacher."
        var expected: [String: [Int]] = [:]
        for (name, shape) in recording.weights where name.hasPrefix(prefix) {
            expected[String(name.dropFirst(prefix.count))] = shape
        }
        let actual = Dictionary(uniqueKeysWithValues: layout.entries.map { ($0.name, $0.shape) })
        #expect(!expected.isEmpty && actual == expected)
    }

    @Test("At its start the network's output is zero, and every image its own skip")
    func initialOutput() {
        let denoiser = Denoiser(Self.configuration)
        let x = Self.images(2)
        let weights = BoundWeights.frozen(NetworkWeights(denoiser.layout, seed: 1))
        let image = denoiser(Variable(x), sigma: [0.5, 0.5], labels: [0, 9], weights).value
        #expect(image.shape == x.shape)
        #expect(image.elements == x.elements.map { $0 * 0.5 })
    }

    @Test("An image's result does not depend on the others in its batch")
    func batchIndependence() {
        let denoiser = Denoiser(Self.configuration)
        let weights = BoundWeights.frozen(Self.weights(denoiser.layout))
        let x = Self.images(3)
        let sigma: [Float] = [0.1, 1, 10]
        let all = denoiser(Variable(x), sigma: sigma, labels: [1, 2, 3], weights).value
        for n in 0..<3 {
            let one = denoiser(Variable(x.samples(n..<n + 1)), sigma: [sigma[n]], labels: [n + 1], weights).value
            // Another batch size may mean another order of sums in a convolution: roundings through some twenty layers.
            #expect(zip(one.elements, all.samples(n..<n + 1).elements).allSatisfy { abs($0 - $1) < 1e-4 })
        }
    }

    @Test("The gradient of the whole denoiser, by image and by weights, is its slope")
    func gradient() throws {
        let denoiser = Denoiser(Self.configuration)
        let weights = Self.weights(denoiser.layout)
        let (x, seed) = (Self.images(2), Self.images(2, step: 1))
        let (sigma, labels): ([Float], [Int]) = ([0.3, 2], [4, 7])
        let tape = Tape()
        let gradient = Tensor(repeating: 0, weights.values.shape)
        let input = tape.input(x)
        let bound = BoundWeights.tracked(weights, on: tape, gradient: gradient)
        tape.backward([(denoiser(input, sigma: sigma, labels: labels, bound), seed)])
        let inputGradient = try #require(input.slot?.gradient)

        // Five-point differences along random directions, of length 1 in the image and 1 in the weights.
        let imageStep = unit(Self.images(2, step: 2))
        let direction = Tensor(repeating: 0, weights.values.shape)
        RandomStream(seed: 1, purpose: .criticNoise).normal(into: direction.buffer, step: 0, sample: 0)
        let weightStep = unit(direction)
        func slope(_ target: Tensor, _ step: Tensor) -> Double {
            let start = target.copied()
            func loss(_ factor: Float) -> Double {
                weights.update { _ in
                    for i in target.buffer.indices { target.buffer[i] = start.buffer[i] + factor * step.buffer[i] }
                }
                let result = denoiser(Variable(x), sigma: sigma, labels: labels, .frozen(weights)).value
                return dot(result, seed)
            }
            let h: Float = 0x1p-5
            defer { _ = loss(0) }
            return (8 * (loss(h) - loss(-h)) - (loss(2 * h) - loss(-2 * h))) / Double(12 * h)
        }
        // The network's rounding, 1e-6 of values up to 10, over h.
        #expect(abs(slope(x, imageStep) - dot(inputGradient, imageStep)) < 1e-3)
        #expect(abs(slope(weights.values, weightStep) - dot(gradient, weightStep)) < 1e-3)
    }

    @Test("The bottleneck is the encoder's output: it reads every weight of embedding and encoder, and none beyond")
    func bottleneck() {
        let denoiser = Denoiser(Self.configuration)
        let weights = Self.weights(denoiser.layout)
        let (tape, gradient) = (Tape(), Tensor(repeating: 0, weights.values.shape))
        let features = denoiser.bottleneck(
            Variable(Self.images(2)), sigma: [0.3, 2], labels: [4, 7],
            .tracked(weights, on: tape, gradient: gradient))
        #expect(features.shape == Shape(2, 4, 4, 64))
        let encoder = denoiser.encoderDecoder
        #expect(encoder.bottleneckChannels == 64 && encoder.bottleneckResolution == 4)
        tape.backward([(features, Self.ramp(features.shape))])
        for (entry, value) in zip(denoiser.layout.entries, weights.named.map(\.value)) {
            let reads = gradient.buffer[entry.offset..<entry.offset + value.count].contains { $0 != 0 }
            #expect(reads == (entry.name.contains("model.enc.") || entry.name.contains("model.map_")), "\(entry.name)")
        }
    }

    @Test("Label and noise level both matter")
    func conditioning() {
        let denoiser = Denoiser(Self.configuration)
        let weights = BoundWeights.frozen(Self.weights(denoiser.layout))
        func image(_ sigma: Float, _ label: Int) -> [Float] {
            denoiser.bottleneck(Variable(Self.images(1)), sigma: [sigma], labels: [label], weights).value.elements
        }
        #expect(image(1, 3) == image(1, 3))
        #expect(image(1, 3) != image(1, 4) && image(1, 3) != image(1.1, 3))
    }

    @Test("A label that is none of the classes traps")
    func unknownLabel() async {
        await #expect(processExitsWith: .failure) {
            let denoiser = Denoiser(NetworkConfiguration())
            _ = denoiser(
                Variable(Tensor(repeating: 0, denoiser.shape(1))), sigma: [1], labels: [10],
                .frozen(NetworkWeights(denoiser.layout)))
        }
    }

    private static func ramp(_ shape: Shape) -> Tensor {
        Tensor((0..<shape.count).map { Float($0 % 17) - 8 }, shape)
    }

    private func unit(_ tensor: Tensor) -> Tensor {
        let factor = Float(1 / dot(tensor, tensor).squareRoot())
        return Tensor(tensor.elements.map { $0 * factor }, tensor.shape)
    }

    private func dot(_ a: Tensor, _ b: Tensor) -> Double {
        zip(a.buffer, b.buffer).reduce(0) { $0 + Double($1.0) * Double($1.1) }
    }
}
