package import Layers
package import Tensors

/// A backbone whose encoder can be read on its own, as the critic's heads do. A new one is one file: this protocol, and
/// its case in `NetworkConfiguration.Backbone`.
package protocol EncoderDecoder: Backbone {
    /// Channels and side length of the encoder's last output.
    var bottleneckChannels: Int { get }
    var bottleneckResolution: Int { get }
    /// The channels of the encoder's last output at each of its resolutions.
    var encoderChannels: [Int: Int] { get }

    /// The embedding of noise level and label, `[N, E]`. Shapes: conditioning (c_noise) and labels `[N]`.
    func embed(_ conditioning: [Float], _ labels: [Int?], _ weights: BoundWeights) -> Variable

    /// The outputs of the encoder, finest first and never none, each `[N, h, w, channels]`, in the weights' precision.
    func encode(_ x: Variable, _ embedding: Variable, _ weights: BoundWeights) -> [Variable]

    /// The network's output F, `[N, H, W, C]` in float32, of the encoder's. What it has read of those it lets go of.
    func decode(_ outputs: consuming [Variable], _ embedding: Variable, _ weights: BoundWeights) -> Variable
}

extension EncoderDecoder {
    package func callAsFunction(
        _ x: Variable, conditioning: [Float], labels: [Int?], _ weights: BoundWeights
    ) -> Variable {
        let embedding = embed(conditioning, labels, weights)
        return decode(encode(x, embedding, weights), embedding, weights)
    }

    /// The encoder's last output, `[N, h, w, bottleneckChannels]`, in the weights' precision.
    package func bottleneck(
        _ x: Variable, conditioning: [Float], labels: [Int?], _ weights: BoundWeights
    ) -> Variable {
        let outputs = encode(x, embed(conditioning, labels, weights), weights)
        return outputs[outputs.count - 1]
    }

    /// The encoder's last output at each of some resolutions, `[N, r, r, encoderChannels[r]]`, in the weights'
    /// precision.
    ///
    /// Traps: if there is no such resolution.
    package func encoderOutputs(
        _ x: Variable, conditioning: [Float], labels: [Int?], _ weights: BoundWeights, resolutions: [Int]
    ) -> [Variable] {
        let outputs = encode(x, embed(conditioning, labels, weights), weights)
        return resolutions.map { resolution in
            guard let last = outputs.last(where: { $0.shape[1] == resolution }) else {
                preconditionFailure(
                    "encoderOutputs: resolution \(resolution) of an encoder with \(outputs.map { $0.shape[1] })")
            }
            return last
        }
    }
}
