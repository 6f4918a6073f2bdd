package import Diffusion
package import Kernels
package import Layers
package import Tensors

/// The critic: a denoiser that follows the student's images, and the discriminator heads on its encoder.
///
/// One set of weights, the denoiser's first and in the teacher's order, so a teacher's weights fit as they are.
package struct CriticNetwork: Sendable {
    package let denoiser: Denoiser
    private let heads: [DiscriminatorHead]
    /// The weights of denoiser and heads.
    package let layout: ParameterLayout

    /// `headResolutions` are the encoder's resolutions that have a head each; none means one head, on the bottleneck, as
    /// in the paper. `headGroups` are the groups of their normalisations, 32 in the paper.
    ///
    /// Traps: if the denoiser's backbone has no encoder, or the encoder no such resolution.
    package init(_ denoiser: Denoiser, headResolutions: [Int] = [], headGroups: Int = 32) {
        self.denoiser = denoiser
        let encoder = denoiser.encoderDecoder
        var layout = denoiser.layout
        if headResolutions.isEmpty {
            heads = [
                DiscriminatorHead(
                    &layout, "head", channels: encoder.bottleneckChannels, resolution: encoder.bottleneckResolution,
                    groups: headGroups)
            ]
        } else {
            heads = headResolutions.map { resolution in
                guard let channels = encoder.encoderChannels[resolution] else {
                    preconditionFailure("CriticNetwork: the encoder has no resolution \(resolution)")
                }
                return DiscriminatorHead(
                    &layout, "head.\(resolution)x\(resolution)", channels: channels, resolution: resolution,
                    groups: headGroups)
            }
        }
        self.layout = layout
    }

    /// The critic of a configuration.
    package init(_ denoiser: Denoiser, _ configuration: DistillationConfiguration) {
        self.init(denoiser, headResolutions: configuration.headResolutions, headGroups: configuration.headGroups)
    }

    /// Starting weights, computed in `precision`: the teacher's for the denoiser, random ones for the head.
    ///
    /// Traps: if the teacher is another network.
    package func weights(
        from teacher: NetworkWeights, precision: ElementType = .float32, seed: UInt64
    ) -> NetworkWeights {
        precondition(teacher.layout == denoiser.layout, "CriticNetwork: the teacher is another network")
        let weights = NetworkWeights(layout, precision: precision, seed: seed)
        weights.update { $0.pointer.update(from: teacher.values.pointer, count: teacher.layout.elementCount) }
        return weights
    }

    /// A logit per image and head, above 0 where the head takes it for real. Shapes: x `[N, H, W, C]`, result `[N, heads]`.
    package func logits(
        _ x: Variable, sigma: [Float], labels: [Int], _ weights: BoundWeights
    ) -> Variable {
        let features = denoiser.encoderOutputs(
            x, sigma: sigma, labels: labels, weights, resolutions: heads.map(\.resolution))
        // The heads are small, and the paper's is float32 too.
        let logits = zip(heads, features).map { head, features in head(convert(features, to: .float32), weights) }
        let joined = logits.dropFirst().reduce(logits[0]) { concatenate($0, $1) }
        return reshape(joined, Shape(x.shape[0], heads.count))
    }
}

/// Convolutions that bring a level of the encoder to one logit: stride 2 down to 4x4, a 4x4 convolution to 1x1, and a 1x1 one;
/// each but the last followed by group normalisation and SiLU (Yin et al. 2024, appendix F). A level of one pixel, an
/// MLP's, has a 1x1 convolution in the place of the 4x4 one.
struct DiscriminatorHead: Sendable {
    private var stages: [(convolution: ConvolutionLayer, norm: NormalizationLayer)] = []
    private let output: ConvolutionLayer
    /// Height and width of what it reads.
    let resolution: Int

    /// Adds its weights, `name.0.weight` and so on, to the layout.
    ///
    /// Traps: if the resolution is neither 1 nor 4 times a power of two.
    init(_ layout: inout ParameterLayout, _ name: String, channels: Int, resolution: Int, groups: Int) {
        self.resolution = resolution
        // The indices in the names count convolution, normalisation and activation, as in a PyTorch Sequential.
        var index = 0
        func stage(_ layout: inout ParameterLayout, kernel: Int, stride: Int, padding: Int)
            -> (ConvolutionLayer, NormalizationLayer)
        {
            defer { index += 3 }
            return (
                ConvolutionLayer(
                    &layout, "\(name).\(index)", inputs: channels, outputs: channels, kernel: kernel, stride: stride,
                    padding: padding),
                NormalizationLayer(&layout, "\(name).\(index + 1)", channels: channels, groups: groups)
            )
        }
        var size = resolution
        while size > 4 {
            precondition(
                size.isMultiple(of: 2), "DiscriminatorHead: resolution \(resolution) is not 4 times a power of 2")
            stages.append(stage(&layout, kernel: 4, stride: 2, padding: 1))
            size /= 2
        }
        precondition(
            size == 4 || size == 1, "DiscriminatorHead: resolution \(resolution) is neither 1 nor 4 times a power of 2")
        stages.append(stage(&layout, kernel: size, stride: size, padding: 0))
        output = ConvolutionLayer(&layout, "\(name).\(index)", inputs: channels, outputs: 1, kernel: 1, padding: 0)
    }

    /// Shapes: x `[N, h, w, channels]`, result `[N, 1, 1, 1]`.
    func callAsFunction(_ x: Variable, _ weights: BoundWeights) -> Variable {
        var stream = x
        for stage in stages {
            stream = stage.norm(stage.convolution(stream, weights), weights, activates: true)
        }
        return output(stream, weights)
    }
}
