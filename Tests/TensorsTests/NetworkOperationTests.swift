import Tensors
import Testing

/// Convolution, normalisation and attention: their gradients by inputs and weights.
@Suite struct NetworkOperationTests {
    struct ConvolutionCase: Sendable {
        let kernel: Int, stride: Int, padding: Int, size: Int, inputs: Int, outputs: Int
    }

    @Test(
        "Convolution",
        arguments: [
            ConvolutionCase(kernel: 3, stride: 1, padding: 1, size: 3, inputs: 2, outputs: 3),
            ConvolutionCase(kernel: 1, stride: 1, padding: 0, size: 2, inputs: 5, outputs: 4),
            ConvolutionCase(kernel: 4, stride: 2, padding: 1, size: 4, inputs: 2, outputs: 2),
            ConvolutionCase(kernel: 4, stride: 4, padding: 0, size: 4, inputs: 3, outputs: 2),
        ])
    func convolutionGradients(sample: ConvolutionCase) throws {
        try expectGradients(
            inputs: [normal(Shape(2, sample.size, sample.size, sample.inputs), sample: 1)],
            weights: [
                normal(Shape(sample.outputs, sample.inputs, sample.kernel, sample.kernel), sample: 2),
                normal(Shape(sample.outputs), sample: 3),
            ]
        ) { x, w in
            convolution(
                x[0], weight: w[0], bias: w[1], stride: sample.stride, padding: sample.padding,
                packed: PackedWeights(), version: 0)
        }
    }

    @Test("Packed weights are made again when the version changes, and only then")
    func packedWeights() {
        let x = Variable(Tensor([2], Shape(1, 1, 1, 1)))
        let weight = Variable(Tensor([3], Shape(1, 1, 1, 1)))
        let bias = Variable(Tensor([0], Shape(1)))
        let packed = PackedWeights()
        func y(version: Int) -> Float {
            convolution(x, weight: weight, bias: bias, stride: 1, padding: 0, packed: packed, version: version)
                .value.elements[0]
        }
        #expect(y(version: 0) == 6)
        weight.value.buffer[0] = 5
        #expect(y(version: 0) == 6)
        #expect(y(version: 1) == 10)
    }

    @Test("Normalisation, alone, with SiLU, and modulated", arguments: [(false, false), (false, true), (true, true)])
    func normalization(isModulated: Bool, activates: Bool) throws {
        let modulation = isModulated ? [normal(Shape(2, 16), sample: 4)] : []
        try expectGradients(
            inputs: [normal(Shape(2, 3, 1, 8), sample: 1)] + modulation,
            weights: [normal(Shape(8), sample: 2), normal(Shape(8), sample: 3)]
        ) { x, w in
            groupNormalization(
                x[0], gamma: w[0], beta: w[1], modulation: isModulated ? x[1] : nil, groups: 2, epsilon: 1e-5,
                activates: activates)
        }
    }

    @Test("Self-attention of one and of two heads", arguments: [1, 2])
    func attention(heads: Int) throws {
        try expectGradients(inputs: [normal(Shape(2, 2, 3, 12 * heads), sample: 1)]) { x, _ in
            selfAttention(x[0], heads: heads)
        }
    }

    @Test("Through frozen weights the input's gradient still flows")
    func frozenWeights() throws {
        let (weight, bias) = (Variable(normal(Shape(3, 4, 3, 3), sample: 2)), Variable(normal(Shape(3), sample: 3)))
        let (gamma, beta) = (Variable(normal(Shape(4), sample: 4)), Variable(normal(Shape(4), sample: 5)))
        try expectGradients(inputs: [normal(Shape(1, 3, 3, 4), sample: 1)]) { x, _ in
            let h = groupNormalization(x[0], gamma: gamma, beta: beta, groups: 2, epsilon: 1e-5, activates: true)
            return convolution(
                h, weight: weight, bias: bias, stride: 1, padding: 1, packed: PackedWeights(), version: 0)
        }
    }

    @Test("Weights alone have gradients where the input is a constant")
    func constantInput() throws {
        let x = Variable(normal(Shape(2, 2, 2, 4), sample: 1))
        try expectGradients(
            inputs: [],
            weights: [
                normal(Shape(4), sample: 2), normal(Shape(4), sample: 3), normal(Shape(2, 4, 1, 1), sample: 4),
                normal(Shape(2), sample: 5),
            ]
        ) { _, w in
            let h = groupNormalization(x, gamma: w[0], beta: w[1], groups: 1, epsilon: 1e-5, activates: false)
            return convolution(
                h, weight: w[2], bias: w[3], stride: 1, padding: 0, packed: PackedWeights(), version: 0)
        }
    }
}
