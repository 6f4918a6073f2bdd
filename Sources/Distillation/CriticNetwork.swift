package import Diffusion
package import Kernels
package import Layers
package import Tensors

/// The critic: a denoiser that follows the student's images, and the discriminator head on its bottleneck.
///
/// One set of weights, the denoiser's first and in the teacher's order, so a teacher's weights fit as they are.
package struct CriticNetwork: Sendable {
    package let denoiser: Denoiser
    private let head: DiscriminatorHead
    /// The weights of denoiser and head.
    package let layout: ParameterLayout

    /// `headGroups` are the groups of the head's normalisations, 32 in the paper.
    package init(_ denoiser: Denoiser, headGroups: Int = 32) {
        self.denoiser = denoiser
        var layout = denoiser.layout
        head = DiscriminatorHead(
            &layout, channels: denoiser.backbone.bottleneckChannels,
            resolution: denoiser.backbone.bottleneckResolution, groups: headGroups)
        self.layout = layout
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

    /// One logit per image, above 0 where the head takes it for real. Shapes: x `[N, H, W, C]`, result `[N, 1]`.
    package func logits(
        _ x: Variable, sigma: [Float], labels: [Int], _ weights: BoundWeights
    ) -> Variable {
        // The head is small, and the paper's is float32 too.
        let features = convert(denoiser.bottleneck(x, sigma: sigma, labels: labels, weights), to: .float32)
        return head(features, weights)
    }
}

/// Convolutions that bring the bottleneck to one logit: stride 2 down to 4x4, a 4x4 convolution to 1x1, and a 1x1 one;
/// each but the last followed by group normalisation and SiLU (Yin et al. 2024, appendix F).
struct DiscriminatorHead: Sendable {
    private var stages: [(convolution: ConvolutionLayer, norm: NormalizationLayer)] = []
    private let output: ConvolutionLayer

    /// Traps: if the resolution is not 4 times a power of two.
    init(_ layout: inout ParameterLayout, channels: Int, resolution: Int, groups: Int) {
        // The indices in the names count convolution, normalisation and activation, as in a PyTorch Sequential.
        var index = 0
        func stage(_ layout: inout ParameterLayout, kernel: Int, stride: Int, padding: Int)
            -> (ConvolutionLayer, NormalizationLayer)
        {
            defer { index += 3 }
            return (
                ConvolutionLayer(
                    &layout, "head.\(index)", inputs: channels, outputs: channels, kernel: kernel, stride: stride,
                    padding: padding),
                NormalizationLayer(&layout, "head.\(index + 1)", channels: channels, groups: groups)
            )
        }
        var size = resolution
        while size > 4 {
            precondition(
                size.isMultiple(of: 2), "DiscriminatorHead: resolution \(resolution) is not 4 times a power of 2")
            stages.append(stage(&layout, kernel: 4, stride: 2, padding: 1))
            size /= 2
        }
        precondition(size == 4, "DiscriminatorHead: resolution \(resolution) is not 4 times a power of 2")
        stages.append(stage(&layout, kernel: 4, stride: 4, padding: 0))
        output = ConvolutionLayer(&layout, "head.\(index)", inputs: channels, outputs: 1, kernel: 1, padding: 0)
    }

    /// Shapes: x `[N, h, w, channels]`, result `[N, 1]`.
    func callAsFunction(_ x: Variable, _ weights: BoundWeights) -> Variable {
        var stream = x
        for stage in stages {
            stream = stage.norm(stage.convolution(stream, weights), weights, activates: true)
        }
        return reshape(output(stream, weights), Shape(x.shape[0], 1))
    }
}
