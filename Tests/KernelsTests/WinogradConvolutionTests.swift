import Kernels
import Testing

/// What the kernel makes of random arguments. Results start as ones where the kernel adds to them.
private struct WinogradResults: Codable, Equatable, Sendable {
    private(set) var output: [Float]
    private(set) var addedOutput: [Float]
    private(set) var imageGradient: [Float]
    private(set) var weightsGradient: [Float]
    private(set) var biasGradient: [Float]

    init(_ shape: ConvolutionShape, _ data: ConvolutionData, as type: ElementType = .float32) throws {
        let convolution = try #require(WinogradConvolution(shape))
        let (x, gradient) = (Activations(data.x, as: type), Activations(data.gradient, as: type))
        let y = Activations(unwritten: data.gradient.count, as: type)
        let sum = Activations(data.gradient.map { _ in 1 }, as: type)
        let dx = Activations(unwritten: data.x.count, as: type)
        (weightsGradient, biasGradient) = (data.weights.map { _ in 1 }, data.bias.map { _ in 1 })
        var weights = [Float](repeating: .nan, count: convolution.transformedWeightsCount)
        convolution.transformForward(data.weights, into: &weights)
        convolution.forward(x.pointer, weights: weights, bias: data.bias, into: y.pointer, addsToResult: false)
        convolution.forward(x.pointer, weights: weights, bias: data.bias, into: sum.pointer, addsToResult: true)
        convolution.transformBackward(data.weights, into: &weights)
        convolution.backwardData(gradient.pointer, weights: weights, into: dx.pointer)
        convolution.backwardWeights(
            x.pointer, gradient: gradient.pointer, weights: &weightsGradient, bias: &biasGradient)
        (output, addedOutput, imageGradient) = (y.values, sum.values, dx.values)
    }
}

private func shape(
    samples: Int = 2, _ height: Int, _ width: Int, _ inputs: Int, _ outputs: Int, kernel: Int = 3, stride: Int = 1,
    padding: Int = 1
) -> ConvolutionShape {
    ConvolutionShape(
        samples: samples, height: height, width: width, inputChannels: inputs, outputChannels: outputs, kernel: kernel,
        stride: stride, padding: padding)
}

/// The root of the sum of squares of the differences, as a share of that of the expected numbers.
private func relativeError(_ actual: [Float], _ expected: [Double]) -> Double {
    let squares = zip(actual, expected).reduce(0) { $0 + (Double($1.0) - $1.1) * (Double($1.0) - $1.1) }
    return (squares / expected.reduce(0) { $0 + $1 * $1 }).squareRoot()
}

@Suite struct WinogradConvolutionTests {
    /// Whole and cut tiles, narrow panels of channels, and more tiles than one block takes.
    private static let shapes = [
        shape(samples: 1, 1, 1, 16, 16), shape(8, 8, 32, 32), shape(5, 7, 16, 48), shape(6, 3, 48, 32),
        shape(4, 4, 16, 80), shape(9, 4, 80, 16), shape(samples: 5, 32, 31, 16, 16), shape(4, 5, 128, 64),
    ]

    @Test("A Winograd convolution and its gradients equal the definition", arguments: shapes)
    func equalsDefinition(shape: ConvolutionShape) throws {
        let data = ConvolutionData(shape)
        let expected = PlainConvolution(shape, data)
        let actual = try WinogradResults(shape, data)
        // 1e-6 was measured at 128 channels. The constants' part of it does not depend on the shape; the sums' part grows
        // like the root of their length.
        #expect(relativeError(actual.output, expected.output) < 2e-6)
        #expect(relativeError(actual.addedOutput, expected.output.map { $0 + 1 }) < 2e-6)
        #expect(relativeError(actual.imageGradient, expected.imageGradient) < 2e-6)
        #expect(relativeError(actual.weightsGradient, expected.weightsGradient.map { $0 + 1 }) < 2e-6)
        #expect(relativeError(actual.biasGradient, expected.biasGradient.map { $0 + 1 }) < 2e-6)
    }

    @Test("In bfloat16 only the images are rounded", arguments: [shapes[2], shapes[7]])
    func bfloat16(shape: ConvolutionShape) throws {
        let data = ConvolutionData(shape)
        let expected = PlainConvolution(shape, data)
        let actual = try WinogradResults(shape, data, as: .bfloat16)
        // Rounding to 8 bits moves a number by 2^-9 of itself at most, and both the image and the result are rounded.
        #expect(relativeError(actual.output, expected.output) < 4e-3)
        #expect(relativeError(actual.addedOutput, expected.output.map { $0 + 1 }) < 4e-3)
        #expect(relativeError(actual.imageGradient, expected.imageGradient) < 4e-3)
        #expect(relativeError(actual.weightsGradient, expected.weightsGradient.map { $0 + 1 }) < 4e-3)
        #expect(relativeError(actual.biasGradient, expected.biasGradient.map { $0 + 1 }) < 4e-3)
    }

    @Test("Without a bias gradient wanted, the weights' gradient is the same")
    func withoutBiasGradient() throws {
        let shape = shape(5, 7, 16, 48)
        let data = ConvolutionData(shape)
        var gradient = data.weights.map { _ in Float(1) }
        try #require(WinogradConvolution(shape)).backwardWeights(
            Activations(data.x).pointer, gradient: Activations(data.gradient).pointer, weights: &gradient, bias: nil)
        #expect(try gradient == WinogradResults(shape, data).weightsGradient)
    }

    @Test(
        "Results have the same bits at one, two and three threads",
        arguments: [shape(16, 16, 64, 48), shape(9, 7, 48, 64)])
    func threads(shape: ConvolutionShape) async throws {
        let one = try WinogradResults(shape, ConvolutionData(shape))
        for threads in [2, 3] {
            await #expect(processExitsWith: .success) {
                [
                    threads = threads as Int, height = shape.height as Int, width = shape.width as Int,
                    inputs = shape.inputChannels as Int, outputs = shape.outputChannels as Int,
                    one = one as WinogradResults
                ] in
                ThreadPool.configure(threadCount: threads)
                let shape = KernelsTests.shape(height, width, inputs, outputs)
                let several = try WinogradResults(shape, ConvolutionData(shape))
                #expect(several == one)
            }
        }
    }

    @Test(
        "Other kernels, strides and paddings, and channels that are no multiple of 16, are not supported",
        arguments: [
            shape(8, 8, 16, 16, kernel: 1, padding: 0), shape(8, 8, 16, 16, stride: 2), shape(8, 8, 16, 16, padding: 0),
            shape(8, 8, 3, 16), shape(8, 8, 16, 17),
        ])
    func unsupported(shape: ConvolutionShape) {
        #expect(!WinogradConvolution.supports(shape))
        #expect(WinogradConvolution(shape) == nil)
    }
}
