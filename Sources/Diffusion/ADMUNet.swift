import Glibc
package import Layers
package import Tensors

/// The ADM U-Net (Dhariwal and Nichol 2021) as EDM uses it: `DhariwalUNet`, with its weights' names.
package struct ADMUNet: EncoderDecoder {
    package let layout: ParameterLayout
    package let bottleneckChannels: Int
    package let bottleneckResolution: Int
    package let encoderChannels: [Int: Int]
    private let channels: Int
    private let map0: LinearLayer
    private let map1: LinearLayer
    private let mapLabel: LabelMap?
    private let inputConvolution: ConvolutionLayer
    private let encoder: [ResidualBlock]
    private let decoder: SkipDecoder<ResidualBlock>

    package init(_ configuration: NetworkConfiguration) {
        var layout = ParameterLayout()
        var encoder: [ResidualBlock] = []
        var decoder: [SkipDecoder<ResidualBlock>.Entry] = []
        let channels = configuration.channels
        self.channels = configuration.channels
        bottleneckChannels = configuration.bottleneckChannels
        bottleneckResolution = configuration.bottleneckResolution
        encoderChannels = configuration.encoderChannels
        let embedding = channels * configuration.channelMultiplierEmbedding
        map0 = LinearLayer(&layout, "model.map_layer0", inputs: channels, outputs: embedding)
        map1 = LinearLayer(&layout, "model.map_layer1", inputs: embedding, outputs: embedding)
        mapLabel = LabelMap(
            &layout, configuration, outputs: embedding, hasBias: false, scale: 1, initializer: .normal(deviation: 1))

        let multipliers = configuration.channelMultipliers
        let resolutions = configuration.resolutions
        func attends(_ level: Int) -> Bool { configuration.attentionResolutions.contains(resolutions[level]) }

        var current = channels * multipliers[0]
        inputConvolution = ConvolutionLayer(
            &layout, "model.enc.\(resolutions[0])x\(resolutions[0])_conv", inputs: configuration.imageChannels,
            outputs: current, kernel: 3, padding: 1)
        var skips = [current]
        for (level, multiplier) in multipliers.enumerated() {
            let prefix = "model.enc.\(resolutions[level])x\(resolutions[level])"
            if level > 0 {
                encoder.append(
                    ResidualBlock(
                        &layout, prefix + "_down", inputs: current, outputs: current, embedding: embedding,
                        resampling: .down(.box)))
                skips.append(current)
            }
            for index in 0..<configuration.blocks {
                encoder.append(
                    ResidualBlock(
                        &layout, prefix + "_block\(index)", inputs: current, outputs: channels * multiplier,
                        embedding: embedding, attends: attends(level)))
                current = channels * multiplier
                skips.append(current)
            }
        }
        for (level, multiplier) in multipliers.enumerated().reversed() {
            let prefix = "model.dec.\(resolutions[level])x\(resolutions[level])"
            func append(
                _ name: String, outputs: Int, attends: Bool = false, resampling: ResolutionChange? = nil, skip: Int = 0
            ) {
                let block = ResidualBlock(
                    &layout, prefix + name, inputs: current + skip, outputs: outputs, embedding: embedding,
                    attends: attends, resampling: resampling)
                decoder.append(.init(block: block, joinsSkip: skip > 0))
                current = outputs
            }
            if level == multipliers.count - 1 {
                append("_in0", outputs: current, attends: true)
                append("_in1", outputs: current)
            } else {
                append("_up", outputs: current, resampling: .up(.box))
            }
            for index in 0...configuration.blocks {
                append(
                    "_block\(index)", outputs: channels * multiplier, attends: attends(level), skip: skips.removeLast())
            }
        }
        let outputNorm = NormalizationLayer(&layout, "model.out_norm", channels: current)
        let outputConvolution = ConvolutionLayer(
            &layout, "model.out_conv", inputs: current, outputs: configuration.imageChannels, kernel: 3, padding: 1,
            startsAtZero: true)
        self.decoder = SkipDecoder(entries: decoder, norm: outputNorm, convolution: outputConvolution)
        (self.layout, self.encoder) = (layout, encoder)
    }

    /// The output of every encoder block, finest first.
    package func encode(_ x: Variable, _ embedding: Variable, _ weights: BoundWeights) -> [Variable] {
        var stream = inputConvolution(x, weights)
        var outputs = [stream]
        for block in encoder {
            stream = block(stream, embedding, weights)
            outputs.append(stream)
        }
        return outputs
    }

    package func decode(
        _ outputs: consuming [Variable], _ embedding: Variable, _ weights: BoundWeights
    ) -> Variable {
        decoder(outputs, embedding, weights)
    }

    /// The embedding of noise level and label, `[N, embedding]`.
    package func embed(_ conditioning: [Float], _ labels: [Int?], _ weights: BoundWeights) -> Variable {
        let noise = map1(silu(map0(Variable(waves(conditioning)), weights)), weights)
        return silu(mapLabel.map { add(noise, $0(labels, weights)) } ?? noise)
    }

    /// cos then sin of c_noise times the frequencies 10000^(-i / (C/2)), `[N, C]`.
    private func waves(_ conditioning: [Float]) -> Tensor {
        let half = channels / 2
        let frequencies = (0..<half).map { pow(10_000, -Double($0) / Double(half)) }
        return noiseWaves(of: conditioning, waves: half, order: .cosineFirst) { Double($0) * frequencies[$1] }
    }
}

/// norm0, SiLU, (resampling), conv0; norm1 modulated by the embedding, SiLU, conv1; plus the skip; then attention.
struct ResidualBlock: EmbeddedBlock {
    private let norm0: NormalizationLayer
    private let conv0: ConvolutionLayer
    private let affine: LinearLayer
    private let norm1: NormalizationLayer
    private let conv1: ConvolutionLayer
    private let skip: ConvolutionLayer?
    private let resampling: ResolutionChange?
    private let attention: AttentionBlock?

    /// The field's width of one attention head; a remainder below it widens all heads.
    private static let channelsPerHead = 64

    init(
        _ layout: inout ParameterLayout, _ name: String, inputs: Int, outputs: Int, embedding: Int,
        attends: Bool = false, resampling: ResolutionChange? = nil
    ) {
        norm0 = NormalizationLayer(&layout, name + ".norm0", channels: inputs)
        conv0 = ConvolutionLayer(&layout, name + ".conv0", inputs: inputs, outputs: outputs, kernel: 3, padding: 1)
        affine = LinearLayer(&layout, name + ".affine", inputs: embedding, outputs: 2 * outputs)
        norm1 = NormalizationLayer(&layout, name + ".norm1", channels: outputs)
        conv1 = ConvolutionLayer(
            &layout, name + ".conv1", inputs: outputs, outputs: outputs, kernel: 3, padding: 1, startsAtZero: true)
        skip =
            inputs == outputs
            ? nil : ConvolutionLayer(&layout, name + ".skip", inputs: inputs, outputs: outputs, kernel: 1, padding: 0)
        self.resampling = resampling
        // As in EDM, a level narrower than one head goes without.
        let heads = attends ? outputs / Self.channelsPerHead : 0
        precondition(
            heads == 0 || outputs.isMultiple(of: heads),
            "ResidualBlock: attention over \(outputs) channels, which do not fall into heads of \(Self.channelsPerHead)"
        )
        attention = heads > 0 ? AttentionBlock(&layout, name, channels: outputs, heads: heads) : nil
    }

    /// Shapes: x `[N, H, W, inputs]`, embedding `[N, E]`; result `[N, H', W', outputs]`.
    func callAsFunction(_ x: Variable, _ embedding: Variable, _ weights: BoundWeights) -> Variable {
        let h = conv0(x, after: norm0.arguments(weights, activates: true), resampling: resampling, weights)
        let straight = resampling.map { resample(x, $0) } ?? x
        let residual = skip.map { $0(straight, weights) } ?? straight
        let modulation = affine(embedding, weights)
        let sum = conv1(
            h, after: norm1.arguments(weights, modulation: modulation, activates: true), weights, adding: residual)
        guard let attention else { return sum }
        return attention(sum, weights)
    }
}
