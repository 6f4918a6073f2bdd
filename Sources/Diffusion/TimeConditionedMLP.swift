import Glibc
package import Layers
package import Tensors

/// A small network for points and tiny images: residual blocks of linear layers, each told the noise level and the label.
///
///     x and waves of x → linear → `blocks` x block (the bottleneck) → `blocks` x block → SiLU → linear
///     block: x + linear(SiLU(linear(SiLU(x)) + affine(embedding)))
package struct TimeConditionedMLP: EncoderDecoder {
    package let layout: ParameterLayout
    package let bottleneckChannels: Int
    package let bottleneckResolution: Int
    package let encoderChannels: [Int: Int]

    /// Of the waves of the input, which has unit variance: the slowest turns once over all of it, the fastest by a
    /// quarter over a fifth of its standard deviation.
    private static let frequencies: [Float] = [1, 2, 4, 8]

    private let channels: Int
    private let resolution: Int
    private let imageChannels: Int
    private let map0: LinearLayer
    private let map1: LinearLayer
    private let mapLabel: LabelMap?
    private let input: LinearLayer
    private let encoder: [Block]
    private let decoder: [Block]
    private let output: LinearLayer

    private struct Block {
        private let first: LinearLayer
        private let affine: LinearLayer
        private let second: LinearLayer

        init(_ layout: inout ParameterLayout, _ name: String, channels: Int, embedding: Int) {
            first = LinearLayer(&layout, name + ".linear0", inputs: channels, outputs: channels)
            affine = LinearLayer(&layout, name + ".affine", inputs: embedding, outputs: channels)
            second = LinearLayer(&layout, name + ".linear1", inputs: channels, outputs: channels, initializer: .zeros)
        }

        /// Shapes: x and the result `[N, channels]`, embedding `[N, E]`.
        func callAsFunction(_ x: Variable, _ embedding: Variable, _ weights: BoundWeights) -> Variable {
            let h = add(first(silu(x), weights), affine(embedding, weights))
            return add(x, second(silu(h), weights))
        }
    }

    package init(_ configuration: NetworkConfiguration) {
        var layout = ParameterLayout()
        channels = configuration.channels
        bottleneckChannels = configuration.bottleneckChannels
        bottleneckResolution = configuration.bottleneckResolution
        encoderChannels = configuration.encoderChannels
        (resolution, imageChannels) = (configuration.resolution, configuration.imageChannels)
        let values = configuration.resolution * configuration.resolution * configuration.imageChannels
        let embedding = channels * configuration.channelMultiplierEmbedding
        map0 = LinearLayer(&layout, "model.map_layer0", inputs: channels, outputs: embedding)
        map1 = LinearLayer(&layout, "model.map_layer1", inputs: embedding, outputs: embedding)
        mapLabel = LabelMap(
            &layout, configuration, outputs: embedding, hasBias: false, scale: 1, initializer: .normal(deviation: 1))
        input = LinearLayer(
            &layout, "model.input", inputs: values * (1 + 2 * Self.frequencies.count), outputs: channels)
        func blocks(_ name: String) -> [Block] {
            (0..<configuration.blocks).map { index in
                Block(
                    &layout, "model.\(name).block\(index)", channels: configuration.channels, embedding: embedding)
            }
        }
        encoder = blocks("enc")
        decoder = blocks("dec")
        output = LinearLayer(&layout, "model.output", inputs: channels, outputs: values, initializer: .zeros)
        self.layout = layout
    }

    /// One output of one pixel, `[N, 1, 1, channels]`.
    package func encode(_ x: Variable, _ embedding: Variable, _ weights: BoundWeights) -> [Variable] {
        let values = reshape(x, Shape(x.shape[0], x.shape.countPerSample))
        var stream = input(withWaves(values, frequencies: Self.frequencies), weights)
        for block in encoder { stream = block(stream, embedding, weights) }
        return [reshape(stream, Shape(x.shape[0], 1, 1, channels))]
    }

    package func decode(
        _ outputs: consuming [Variable], _ embedding: Variable, _ weights: BoundWeights
    ) -> Variable {
        let count = embedding.shape[0]
        var stream = reshape(outputs.removeLast(), Shape(count, channels))
        for block in decoder { stream = block(stream, embedding, weights) }
        return reshape(output(silu(stream), weights), Shape(count, resolution, resolution, imageChannels))
    }

    /// The embedding of noise level and label, `[N, embedding]`.
    package func embed(_ conditioning: [Float], _ labels: [Int?], _ weights: BoundWeights) -> Variable {
        let noise = map1(silu(map0(Variable(waves(conditioning)), weights)), weights)
        guard let mapLabel else { return silu(noise) }
        return silu(add(noise, mapLabel(labels, weights)))
    }

    /// cos and sin of c_noise times frequencies from 1 to 16, evenly spaced in their logarithm, `[N, C]`.
    ///
    /// c_noise spans 2.6 over all noise levels: the slowest wave turns by less than half, the fastest six times.
    private func waves(_ conditioning: [Float]) -> Tensor {
        let half = channels / 2
        let frequencies = (0..<half).map { pow(16, Double($0) / Double(half - 1)) }
        return noiseWaves(of: conditioning, waves: half, order: .cosineFirst) { Double($0) * frequencies[$1] }
    }
}
