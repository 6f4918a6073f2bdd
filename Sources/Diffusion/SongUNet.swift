import Glibc
package import Layers
package import Tensors

/// The U-Net of Song et al. 2021 (arXiv 2011.13456) as EDM uses it: `SongUNet`, with its weights' names.
package struct SongUNet: EncoderDecoder {
    /// What tells DDPM++ and NCSN++ apart; any mixture is a network too.
    package struct Variant: Sendable, Equatable {
        /// What a noise level becomes first.
        package enum Embedding: Sendable {
            /// Waves of fixed frequencies 10000^(-i / (C/2 - 1)).
            case positional
            /// Waves of 2π times random frequencies, normal with deviation 16, drawn once.
            case fourier
        }
        /// What the encoder reads.
        package enum Encoder: Sendable {
            /// The level above.
            case standard
            /// That, and a pyramid: the image itself at lower resolutions, each level's added to its stream.
            case residual
        }

        package var embedding: Embedding
        /// Width of the noise level's embedding, in multiples of the configuration's channels.
        package var noiseChannelMultiplier: Int
        package var encoder: Encoder
        package var filter: ResamplingFilter

        package init(embedding: Embedding, noiseChannelMultiplier: Int, encoder: Encoder, filter: ResamplingFilter) {
            (self.embedding, self.noiseChannelMultiplier) = (embedding, noiseChannelMultiplier)
            (self.encoder, self.filter) = (encoder, filter)
        }

        package static let ddpmpp = Variant(
            embedding: .positional, noiseChannelMultiplier: 1, encoder: .standard, filter: .box)
        package static let ncsnpp = Variant(
            embedding: .fourier, noiseChannelMultiplier: 2, encoder: .residual, filter: .binomial)
    }

    package let layout: ParameterLayout
    package let bottleneckChannels: Int
    package let bottleneckResolution: Int
    package let encoderChannels: [Int: Int]

    private let filter: ResamplingFilter
    private let frequencies: Frequencies
    private let mapLabel: LabelMap?
    private let map0: LinearLayer
    private let map1: LinearLayer
    private let inputConvolution: ConvolutionLayer
    private let encoder: [EncoderBlock]
    private let decoder: SkipDecoder<SongBlock>

    private enum Frequencies {
        case fixed([Double])
        /// A weight that is not trained.
        case drawn(index: Int)
    }

    private struct EncoderBlock {
        let block: SongBlock
        /// The pyramid's step to this level, whose result joins the block's.
        let pyramid: ConvolutionLayer?
    }

    package init(_ configuration: NetworkConfiguration, _ variant: Variant) {
        var layout = ParameterLayout()
        let channels = configuration.channels
        bottleneckChannels = configuration.bottleneckChannels
        bottleneckResolution = configuration.bottleneckResolution
        encoderChannels = configuration.encoderChannels
        filter = variant.filter
        let noiseChannels = channels * variant.noiseChannelMultiplier
        let embedding = channels * configuration.channelMultiplierEmbedding
        let waves = noiseChannels / 2
        frequencies =
            switch variant.embedding {
            case .positional: .fixed((0..<waves).map { pow(10_000, -Double($0) / Double(waves - 1)) })
            case .fourier:
                .drawn(index: layout.add("model.map_noise.freqs", [waves], .normal(deviation: 16), isTrained: false))
            }
        mapLabel = LabelMap(
            &layout, configuration, outputs: noiseChannels, hasBias: true,
            scale: Float(configuration.labelCount).squareRoot())
        map0 = LinearLayer(&layout, "model.map_layer0", inputs: noiseChannels, outputs: embedding)
        map1 = LinearLayer(&layout, "model.map_layer1", inputs: embedding, outputs: embedding)

        let multipliers = configuration.channelMultipliers
        let resolutions = configuration.resolutions
        func attends(_ level: Int) -> Bool { configuration.attentionResolutions.contains(resolutions[level]) }

        var current = channels
        inputConvolution = ConvolutionLayer(
            &layout, "model.enc.\(resolutions[0])x\(resolutions[0])_conv", inputs: configuration.imageChannels,
            outputs: current, kernel: 3, padding: 1)
        var skips = [current]
        var encoder: [EncoderBlock] = []
        var pyramidChannels = configuration.imageChannels
        for (level, multiplier) in multipliers.enumerated() {
            let prefix = "model.enc.\(resolutions[level])x\(resolutions[level])"
            if level > 0 {
                let block = SongBlock(
                    &layout, prefix + "_down", inputs: current, outputs: current, embedding: embedding,
                    resampling: .down(filter))
                var pyramid: ConvolutionLayer?
                if variant.encoder == .residual {
                    // Computed with a margin, for the filter that follows.
                    pyramid = ConvolutionLayer(
                        &layout, prefix + "_aux_residual", inputs: pyramidChannels, outputs: current, kernel: 3,
                        padding: 1 + filter.reach)
                    pyramidChannels = current
                }
                encoder.append(EncoderBlock(block: block, pyramid: pyramid))
                skips.append(current)
            }
            for index in 0..<configuration.blocks {
                let block = SongBlock(
                    &layout, prefix + "_block\(index)", inputs: current, outputs: channels * multiplier,
                    embedding: embedding, attends: attends(level))
                encoder.append(EncoderBlock(block: block, pyramid: nil))
                current = channels * multiplier
                skips.append(current)
            }
        }
        var decoder: [SkipDecoder<SongBlock>.Entry] = []
        for (level, multiplier) in multipliers.enumerated().reversed() {
            let prefix = "model.dec.\(resolutions[level])x\(resolutions[level])"
            func append(
                _ name: String, outputs: Int, attends: Bool = false, resampling: ResolutionChange? = nil, skip: Int = 0
            ) {
                let block = SongBlock(
                    &layout, prefix + name, inputs: current + skip, outputs: outputs, embedding: embedding,
                    attends: attends, resampling: resampling)
                decoder.append(.init(block: block, joinsSkip: skip > 0))
                current = outputs
            }
            if level == multipliers.count - 1 {
                append("_in0", outputs: current, attends: true)
                append("_in1", outputs: current)
            } else {
                append("_up", outputs: current, resampling: .up(variant.filter))
            }
            for index in 0...configuration.blocks {
                append(
                    "_block\(index)", outputs: channels * multiplier,
                    attends: attends(level) && index == configuration.blocks, skip: skips.removeLast())
            }
        }
        let prefix = "model.dec.\(resolutions[0])x\(resolutions[0])"
        let outputNorm = NormalizationLayer(
            &layout, prefix + "_aux_norm", channels: current, epsilon: SongBlock.epsilon)
        let outputConvolution = ConvolutionLayer(
            &layout, prefix + "_aux_conv", inputs: current, outputs: configuration.imageChannels, kernel: 3, padding: 1,
            startsAtZero: true)
        self.decoder = SkipDecoder(entries: decoder, norm: outputNorm, convolution: outputConvolution)
        (self.layout, self.encoder) = (layout, encoder)
    }

    /// The output of every encoder block, finest first.
    package func encode(_ x: Variable, _ embedding: Variable, _ weights: BoundWeights) -> [Variable] {
        var stream = inputConvolution(x, weights)
        var pyramid = x
        var outputs = [stream]
        for entry in encoder {
            stream = entry.block(stream, embedding, weights)
            if let convolution = entry.pyramid {
                let level = downsampleWithMargin(convolution(pyramid, weights), filter)
                stream = scale(add(stream, level), by: SongBlock.halfPower)
                pyramid = stream
            }
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
        let waves = Variable(noiseFeatures(conditioning, weights))
        let noise = mapLabel.map { add(waves, $0(labels, weights)) } ?? waves
        return silu(map1(silu(map0(noise, weights)), weights))
    }

    /// sin then cos of c_noise times each frequency, `[N, waves]`.
    private func noiseFeatures(_ conditioning: [Float], _ weights: BoundWeights) -> Tensor {
        switch frequencies {
        case .fixed(let values):
            return noiseWaves(of: conditioning, waves: values.count, order: .sineFirst) { Double($0) * values[$1] }
        case .drawn(let index):
            // In float32, as in PyTorch: the angles reach hundreds, where its rounding shows.
            let values = weights[index].value.elements.map { Float(2 * Double.pi) * $0 }
            return noiseWaves(of: conditioning, waves: values.count, order: .sineFirst) { Double($0 * values[$1]) }
        }
    }
}

/// norm0, SiLU, (resampling), conv0; plus the embedding; norm1, SiLU, conv1; plus the skip, times √½; then attention with
/// one head, times √½.
private struct SongBlock: EmbeddedBlock {
    /// Keeps the variance of a sum of two.
    static let halfPower = Float(0.5).squareRoot()
    static let epsilon: Float = 1e-6

    private let norm0: NormalizationLayer
    private let conv0: ConvolutionLayer
    private let affine: LinearLayer
    private let norm1: NormalizationLayer
    private let conv1: ConvolutionLayer
    private let skip: ConvolutionLayer?
    private let resampling: ResolutionChange?
    private let attention: AttentionBlock?

    init(
        _ layout: inout ParameterLayout, _ name: String, inputs: Int, outputs: Int, embedding: Int,
        attends: Bool = false, resampling: ResolutionChange? = nil
    ) {
        norm0 = NormalizationLayer(&layout, name + ".norm0", channels: inputs, epsilon: Self.epsilon)
        conv0 = ConvolutionLayer(&layout, name + ".conv0", inputs: inputs, outputs: outputs, kernel: 3, padding: 1)
        affine = LinearLayer(&layout, name + ".affine", inputs: embedding, outputs: outputs)
        norm1 = NormalizationLayer(&layout, name + ".norm1", channels: outputs, epsilon: Self.epsilon)
        conv1 = ConvolutionLayer(
            &layout, name + ".conv1", inputs: outputs, outputs: outputs, kernel: 3, padding: 1, startsAtZero: true)
        // A block that resamples projects its skip even between equal channels.
        skip =
            inputs == outputs && resampling == nil
            ? nil : ConvolutionLayer(&layout, name + ".skip", inputs: inputs, outputs: outputs, kernel: 1, padding: 0)
        self.resampling = resampling
        attention =
            attends ? AttentionBlock(&layout, name, channels: outputs, heads: 1, epsilon: Self.epsilon) : nil
    }

    /// Shapes: x `[N, H, W, inputs]`, embedding `[N, E]`; result `[N, H', W', outputs]`.
    func callAsFunction(_ x: Variable, _ embedding: Variable, _ weights: BoundWeights) -> Variable {
        let h = addToPixels(
            conv0(x, after: norm0.arguments(weights, activates: true), resampling: resampling, weights),
            affine(embedding, weights))
        let straight = resampling.map { resample(x, $0) } ?? x
        let residual = skip.map { $0(straight, weights) } ?? straight
        let sum = scale(
            conv1(h, after: norm1.arguments(weights, activates: true), weights, adding: residual), by: Self.halfPower)
        guard let attention else { return sum }
        return scale(attention(sum, weights), by: Self.halfPower)
    }
}
