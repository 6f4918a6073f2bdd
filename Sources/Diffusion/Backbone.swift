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

    /// The channels of the encoder's last output at each of its resolutions.
    var encoderChannels: [Int: Int] { get }

    /// The encoder's last output at each of some resolutions, `[N, r, r, encoderChannels[r]]`, in the weights' precision.
    ///
    /// Traps: if there is no such resolution.
    func encoderOutputs(
        _ x: Variable, conditioning: [Float], labels: [Int?], _ weights: BoundWeights, resolutions: [Int]
    ) -> [Variable]
}

/// What a backbone says of its encoder's levels. One without levels has its bottleneck alone.
extension Backbone {
    package var encoderChannels: [Int: Int] { [bottleneckResolution: bottleneckChannels] }

    package func encoderOutputs(
        _ x: Variable, conditioning: [Float], labels: [Int?], _ weights: BoundWeights, resolutions: [Int]
    ) -> [Variable] {
        precondition(
            resolutions.allSatisfy { $0 == bottleneckResolution },
            "encoderOutputs: \(resolutions) of a network without levels")
        let output = bottleneck(x, conditioning: conditioning, labels: labels, weights)
        return resolutions.map { _ in output }
    }
}

/// Of an encoder's outputs, finest first, the last one at each of some resolutions.
///
/// Traps: if there is none.
func lastOutputs(_ outputs: [Variable], resolutions: [Int]) -> [Variable] {
    resolutions.map { resolution in
        guard let last = outputs.last(where: { $0.shape[1] == resolution }) else {
            preconditionFailure("lastOutputs: the encoder has no resolution \(resolution)")
        }
        return last
    }
}

/// Builds the configured backbone.
package func makeBackbone(_ configuration: NetworkConfiguration) -> any Backbone {
    switch configuration.backbone {
    case .adm: ADMUNet(configuration)
    case .ddpmpp: SongUNet(configuration, .ddpmpp)
    case .ncsnpp: SongUNet(configuration, .ncsnpp)
    case .mlp: TimeConditionedMLP(configuration)
    }
}
