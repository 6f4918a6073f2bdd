package import Layers
package import Tensors

/// A network that a denoiser is made of. A new one is one file: this protocol, and its case in `NetworkConfiguration.Backbone`.
package protocol Backbone: Sendable {
    /// The weights it reads.
    var layout: ParameterLayout { get }
    /// Channels and side length of what ``bottleneck(_:conditioning:labels:_:)`` returns.
    var bottleneckChannels: Int { get }
    var bottleneckResolution: Int { get }

    /// The network's output F. Shapes: x and the result `[N, H, W, C]`; conditioning (c_noise) and labels `[N]`. x has
    /// the weights' precision, the result is float32. A label that is nil stands for none, the unconditional network;
    /// a network without labels does not look at them.
    func callAsFunction(_ x: Variable, conditioning: [Float], labels: [Int?], _ weights: BoundWeights) -> Variable

    /// The output of the encoder alone, `[N, h, w, bottleneckChannels]`, in the weights' precision.
    func bottleneck(_ x: Variable, conditioning: [Float], labels: [Int?], _ weights: BoundWeights) -> Variable
}

/// Builds the configured backbone.
package func makeBackbone(_ configuration: NetworkConfiguration) -> any Backbone {
    switch configuration.backbone {
    case .adm: ADMUNet(configuration)
    case .ddpmpp: SongUNet(configuration, .ddpmpp)
    case .ncsnpp: SongUNet(configuration, .ncsnpp)
    }
}
