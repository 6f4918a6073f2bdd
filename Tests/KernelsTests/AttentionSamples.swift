import Kernels
import Testing

/// The sizes of a self-attention, with random arguments.
struct AttentionCase: Sendable, CustomTestStringConvertible {
    var samples = 2
    let pixels: Int, heads: Int, headChannels: Int

    var channels: Int { heads * headChannels }
    var qkv: [Float] { numbers(samples * pixels * 3 * channels, seed: 1).map { $0 * 3 } }
    var outputGradient: [Float] { numbers(samples * pixels * channels, seed: 2) }
    var testDescription: String { "\(pixels) pixels, \(heads) heads of \(headChannels)" }
}

/// What the kernel makes of them.
struct AttentionResults: Equatable {
    private(set) var output: [Float]
    private(set) var weights: [Float]
    private(set) var gradient: [Float]

    init(_ s: AttentionCase) {
        let kernel = SelfAttention(samples: s.samples, pixels: s.pixels, heads: s.heads, headChannels: s.headChannels)
        output = s.outputGradient.map { _ in .nan }
        weights = [Float](repeating: .nan, count: kernel.weightCount)
        gradient = s.qkv.map { _ in .nan }
        kernel.forward(s.qkv, into: &output, weights: &weights)
        kernel.backward(s.qkv, weights: weights, gradient: s.outputGradient, into: &gradient)
    }
}
