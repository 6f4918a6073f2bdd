import Kernels
import Layers
import Tensors

/// A block of a network that is told the embedding of noise level and label.
protocol EmbeddedBlock: Sendable {
    /// Shapes: x `[N, H, W, inputs]`, embedding `[N, E]`; result `[N, H', W', outputs]`.
    func callAsFunction(_ x: Variable, _ embedding: Variable, _ weights: BoundWeights) -> Variable
}

/// The decoder of a U-Net: blocks from the coarsest level to the finest, some of which take an output of the encoder
/// beside the stream; then normalisation, SiLU and a convolution.
struct SkipDecoder<Block: EmbeddedBlock>: Sendable {
    struct Entry {
        let block: Block
        /// True where the block first takes the last output of the encoder that none has taken.
        let joinsSkip: Bool
    }

    let entries: [Entry]
    let norm: NormalizationLayer
    let convolution: ConvolutionLayer

    /// Shapes: outputs, finest first, each `[N, h, w, channels]`, embedding `[N, E]`; result `[N, H, W, C]`, float32.
    func callAsFunction(
        _ outputs: consuming [Variable], _ embedding: Variable, _ weights: BoundWeights
    ) -> Variable {
        guard var stream = outputs.last else { preconditionFailure("SkipDecoder: no output of an encoder") }
        for entry in entries {
            if entry.joinsSkip { stream = concatenate(stream, outputs.removeLast()) }
            stream = entry.block(stream, embedding, weights)
        }
        return convolution(stream, after: norm.arguments(weights, activates: true), weights, as: .float32)
    }
}
