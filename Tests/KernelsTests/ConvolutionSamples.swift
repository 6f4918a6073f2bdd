import Kernels
import Testing

extension ConvolutionShape: CustomTestStringConvertible {
    /// Kernel, stride, padding, samples, size and channels.
    public var testDescription: String {
        "k\(kernel) s\(stride) p\(padding), \(samples) x \(height) x \(width), \(inputChannels) to \(outputChannels)"
    }

    /// The kinds of convolution the networks and the head have, with channel counts around the width of a vector.
    static var covered: [ConvolutionShape] {
        func shape(_ kernel: Int, stride: Int = 1, padding: Int, size: Int = 5, _ inputs: Int, _ outputs: Int) -> Self {
            Self(
                samples: 2, height: size, width: size + 1, inputChannels: inputs, outputChannels: outputs,
                kernel: kernel, stride: stride, padding: padding)
        }
        let channels = [(1, 16), (3, 7), (3, 64), (16, 1), (16, 3), (17, 16), (65, 17), (64, 65)]
        return channels.map { shape(1, padding: 0, $0, $1) } + channels.map { shape(3, padding: 1, size: 3, $0, $1) }
            + [
                shape(3, padding: 0, 7, 5), shape(3, padding: 2, 3, 16), shape(3, stride: 2, padding: 1, 16, 17),
                shape(4, stride: 2, padding: 1, size: 8, 16, 16), shape(4, stride: 2, padding: 1, size: 8, 3, 17),
                shape(4, stride: 4, padding: 0, size: 4, 16, 16), shape(4, stride: 4, padding: 0, size: 8, 17, 3),
                shape(1, stride: 2, padding: 0, 16, 16), shape(1, padding: 0, size: 1, 64, 1),
            ]
    }
}

/// Random arguments of a convolution.
struct ConvolutionData {
    let x: [Float], weights: [Float], bias: [Float], gradient: [Float]

    init(_ s: ConvolutionShape) {
        x = numbers(s.samples * s.height * s.width * s.inputChannels, seed: 1)
        weights = numbers(s.outputChannels * s.inputChannels * s.kernel * s.kernel, seed: 2)
        bias = numbers(s.outputChannels, seed: 3)
        gradient = numbers(s.samples * s.outputHeight * s.outputWidth * s.outputChannels, seed: 4)
    }
}

/// What the kernel makes of them; the gradients of weights and bias are added to ones.
struct ConvolutionResults: Codable, Equatable, Sendable {
    private(set) var output: [Float]
    private(set) var imageGradient: [Float]
    private(set) var weightsGradient: [Float]
    private(set) var biasGradient: [Float]

    init(_ shape: ConvolutionShape, _ data: ConvolutionData, image type: ElementType = .float32) {
        let plan = Convolution.plan(shape, image: type)
        let (x, gradient) = (Activations(data.x, as: type), Activations(data.gradient, as: type))
        let y = Activations(unwritten: data.gradient.count, as: type)
        let dx = Activations(unwritten: data.x.count, as: type)
        (weightsGradient, biasGradient) = (data.weights.map { _ in 1 }, data.bias.map { _ in 1 })
        withUnsafeTemporaryAllocation(
            byteCount: max(plan.packedForwardLayout.byteCount, plan.packedBackwardLayout.byteCount), alignment: 64
        ) { packed in
            guard let packed = packed.baseAddress else { return }
            plan.packForward(data.weights, into: packed)
            plan.forward(x.pointer, packed: packed, bias: data.bias, into: y.pointer)
            plan.packBackward(data.weights, into: packed)
            plan.backwardData(gradient.pointer, packed: packed, into: dx.pointer)
        }
        var scratch = [Float](repeating: .nan, count: plan.gradientScratchCount)
        plan.backwardWeights(
            x.pointer, gradient: gradient.pointer, weights: &weightsGradient, bias: &biasGradient, scratch: &scratch)
        (output, imageGradient) = (y.values, dx.values)
    }
}
