import Kernels
import Tensors
import Testing

/// Convolution, normalisation and attention: their gradients by inputs and weights.
@Suite struct NetworkOperationTests {
    struct ConvolutionCase: Sendable {
        let kernel: Int, stride: Int, padding: Int, size: Int, inputs: Int, outputs: Int
        var order = ChannelOrder.unchanged

        func arguments(_ w: [Variable]) -> ConvolutionArguments {
            ConvolutionArguments(
                weight: w[0], bias: w[1], stride: stride, padding: padding, order: order, packed: PackedWeights(),
                version: 0)
        }
    }

    @Test(
        "Convolution",
        arguments: [
            ConvolutionCase(kernel: 3, stride: 1, padding: 1, size: 3, inputs: 2, outputs: 3),
            ConvolutionCase(kernel: 1, stride: 1, padding: 0, size: 2, inputs: 5, outputs: 4),
            ConvolutionCase(kernel: 4, stride: 2, padding: 1, size: 4, inputs: 2, outputs: 2),
            ConvolutionCase(kernel: 4, stride: 4, padding: 0, size: 4, inputs: 3, outputs: 2),
            ConvolutionCase(
                kernel: 1, stride: 1, padding: 0, size: 2, inputs: 4, outputs: 6, order: .separated(kinds: 3)),
        ])
    func convolutionGradients(sample: ConvolutionCase) throws {
        try expectGradients(
            inputs: [normal(Shape(2, sample.size, sample.size, sample.inputs), sample: 1)],
            weights: [
                normal(Shape(sample.outputs, sample.inputs, sample.kernel, sample.kernel), sample: 2),
                normal(Shape(sample.outputs), sample: 3),
            ]
        ) { x, w in
            convolution(x[0], sample.arguments(w))
        }
    }

    @Test("Convolution added to another image: the addend has the result's gradient")
    func addingConvolution() throws {
        try expectGradients(
            inputs: [normal(Shape(2, 3, 3, 2), sample: 1), normal(Shape(2, 3, 3, 4), sample: 2)],
            weights: [normal(Shape(4, 2, 3, 3), sample: 3), normal(Shape(4), sample: 4)]
        ) { x, w in
            convolution(x[0], arguments(w, padding: 1), adding: x[1])
        }
    }

    @Test("An image added to a convolution of itself keeps its values")
    func addendIsNotOverwritten() {
        let x = Variable(normal(Shape(1, 2, 2, 2), sample: 1))
        let before = x.value.elements
        let weights = [Variable(normal(Shape(2, 2, 1, 1), sample: 2)), Variable(Tensor(repeating: 0, Shape(2)))]
        let sum = convolution(x, arguments(weights), adding: x)
        let alone = convolution(x, arguments(weights))
        #expect(x.value.elements == before)
        #expect(sum.value.elements == zip(alone.value.elements, before).map { $0 + $1 })
    }

    @Test("Packed weights are made again when the version changes, and only then")
    func packedWeights() {
        let x = Variable(Tensor([2], Shape(1, 1, 1, 1)))
        let weight = Variable(Tensor([3], Shape(1, 1, 1, 1)))
        let bias = Variable(Tensor([0], Shape(1)))
        let packed = PackedWeights()
        func y(version: Int) -> Float {
            convolution(
                x,
                ConvolutionArguments(
                    weight: weight, bias: bias, stride: 1, padding: 0, packed: packed, version: version)
            ).value.elements[0]
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
                x[0], norm(w[0], w[1], modulation: isModulated ? x[1] : nil, groups: 2, activates: activates))
        }
    }

    @Test(
        "Normalisation and convolution in one operation, with and without a change of resolution between them",
        arguments: [nil, ResolutionChange.up(.box), .down(.box), .up(.binomial), .down(.binomial)])
    func normalizedConvolutionGradients(resampling: ResolutionChange?) throws {
        let side = resampling == .down(.box) || resampling == .down(.binomial) ? 2 : 1
        try expectGradients(
            inputs: [normal(Shape(2, 2 * side, 2 * side, 4), sample: 1), normal(Shape(2, 8), sample: 2)],
            weights: [
                normal(Shape(4), sample: 3), normal(Shape(4), sample: 4), normal(Shape(3, 4, 3, 3), sample: 5),
                normal(Shape(3), sample: 6),
            ]
        ) { x, w in
            normalizedConvolution(
                x[0], norm(w[0], w[1], modulation: x[1], groups: 2, activates: true), resampling: resampling,
                arguments([w[2], w[3]], padding: 1))
        }
    }

    @Test("A residual block's shape: the image is read by the normalisation and added to the convolution")
    func residualGradients() throws {
        try expectGradients(
            inputs: [normal(Shape(2, 2, 2, 4), sample: 1)],
            weights: [
                normal(Shape(4), sample: 3), normal(Shape(4), sample: 4), normal(Shape(4, 4, 3, 3), sample: 5),
                normal(Shape(4), sample: 6),
            ]
        ) { x, w in
            normalizedConvolution(
                x[0], norm(w[0], w[1], groups: 2, activates: true), arguments([w[2], w[3]], padding: 1), adding: x[0])
        }
    }

    @Test(
        "In bfloat16 an operation's result and gradients stay near float32's",
        .enabled(if: Processor.hasBFloat16, "needs AVX512-BF16"),
        arguments: [nil, ResolutionChange.up(.box), .down(.binomial)])
    func bfloat16(resampling: ResolutionChange?) throws {
        func run(_ type: ElementType) -> (result: [Float], gradients: [[Float]]) {
            let tape = Tape()
            let image = tape.input(normal(Shape(2, 4, 4, 16), sample: 1))
            let gradients = [Shape(16), Shape(16), Shape(48, 16, 3, 3), Shape(48)].map { Tensor(repeating: 0, $0) }
            let w = gradients.enumerated().map { index, gradient in
                // As large as an initialiser makes them: attention's scores stay of size 1.
                let values = normal(gradient.shape, sample: 2 + index).elements.map { $0 * (index == 2 ? 1 / 12 : 1) }
                return tape.weight(Tensor(values, gradient.shape), gradient: gradient)
            }
            let y = normalizedConvolution(
                convert(image, to: type), norm(w[0], w[1], groups: 4, activates: true), resampling: resampling,
                arguments([w[2], w[3]], padding: 1))
            let result = convert(selfAttention(y, heads: 1), to: .float32)
            tape.backward([(result, normal(result.shape, sample: 9))])
            return (
                result.value.elements, gradients.map(\.elements) + [image.slot?.gradient?.elements ?? []]
            )
        }
        let (exact, rounded) = (run(.float32), run(.bfloat16))
        // Eight bits of precision, 4e-3 a rounding, through five operations and their gradients.
        #expect(relativeDistance(rounded.result, exact.result) < 2e-2)
        for (rounded, exact) in zip(rounded.gradients, exact.gradients) {
            #expect(relativeDistance(rounded, exact) < 4e-2)
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
            let h = groupNormalization(x[0], norm(gamma, beta, groups: 2, activates: true))
            return normalizedConvolution(
                h, norm(gamma, beta, groups: 1, activates: false), arguments([weight, bias], padding: 1))
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
            normalizedConvolution(x, norm(w[0], w[1], groups: 1, activates: false), arguments([w[2], w[3]]))
        }
    }

    private func arguments(_ w: [Variable], padding: Int = 0) -> ConvolutionArguments {
        ConvolutionArguments(
            weight: w[0], bias: w[1], stride: 1, padding: padding, packed: PackedWeights(), version: 0)
    }

    private func norm(
        _ gamma: Variable, _ beta: Variable, modulation: Variable? = nil, groups: Int, activates: Bool
    ) -> NormalizationArguments {
        NormalizationArguments(
            gamma: gamma, beta: beta, modulation: modulation, groups: groups, epsilon: 1e-5, activates: activates)
    }

    private func relativeDistance(_ a: [Float], _ b: [Float]) -> Float {
        let difference = zip(a, b).reduce(Float(0)) { $0 + ($1.0 - $1.1) * ($1.0 - $1.1) }
        return (difference / b.reduce(0) { $0 + $1 * $1 }).squareRoot()
    }
}
