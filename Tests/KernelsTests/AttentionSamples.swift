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
    private(set) var logSums: [Float]
    private(set) var gradient: [Float]

    init(_ s: AttentionCase, as type: ElementType = .float32) {
        let kernel = SelfAttention(samples: s.samples, pixels: s.pixels, heads: s.heads, headChannels: s.headChannels)
        let (qkv, dy) = (Activations(s.qkv, as: type), Activations(s.outputGradient, as: type))
        let y = Activations(unwritten: s.outputGradient.count, as: type)
        let dx = Activations(unwritten: s.qkv.count, as: type)
        logSums = [Float](repeating: .nan, count: kernel.logSumCount)
        kernel.forward(qkv.pointer, into: y.pointer, logSums: &logSums)
        kernel.backward(qkv.pointer, logSums: logSums, gradient: dy.pointer, into: dx.pointer)
        (output, gradient) = (y.values, dx.values)
    }
}
