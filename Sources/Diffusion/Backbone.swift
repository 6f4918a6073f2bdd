package import Layers
package import Tensors

/// A network that a denoiser is made of: one with an encoder is an ``EncoderDecoder``.
package protocol Backbone: Sendable {
    /// The weights it reads.
    var layout: ParameterLayout { get }

    /// The network's output F. Shapes: x and the result `[N, H, W, C]`; conditioning (c_noise) and labels `[N]`. x has
    /// the weights' precision, the result is float32. A label that is nil stands for none, the unconditional network;
    /// a network without labels does not look at them.
    func callAsFunction(_ x: Variable, conditioning: [Float], labels: [Int?], _ weights: BoundWeights) -> Variable
}

/// Builds the configured backbone.
package func makeBackbone(_ configuration: NetworkConfiguration) -> any EncoderDecoder {
    switch configuration.backbone {
    case .adm: ADMUNet(configuration)
    case .ddpmpp: SongUNet(configuration, .ddpmpp)
    case .ncsnpp: SongUNet(configuration, .ncsnpp)
    case .mlp: TimeConditionedMLP(configuration)
    }
}
